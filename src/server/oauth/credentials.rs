//! The credentials of a server: found, used, refreshed, stored.
//!
//! A refresh happens once for everybody who waits for it, and it is carried through when nobody waits
//! any more: a provider that rotates refresh tokens has no use for the old one from then on. What it
//! gave is stored before any of it is handed out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use tokio::sync::oneshot;

use super::client::ClientAtProvider;
use super::credential::Credential;
use super::{TokenEndpointError, TokenEndpoints};
use crate::oauth::OAuthScope;
use crate::oauth::token_endpoint::{OAuthClient, TokenRequest};
use crate::sensitive::{SecretValue, SensitiveText};
use crate::server::clock;
use crate::server::shutdown::Hold;
use crate::server::store::{
    DelegatedTo, Found, SecretKey, SecretKind, SecretQuery, SecretRecord, Store, StoreError, StoredSecret,
};
use crate::wire::secrets::oauth::CREDENTIAL_TYPE;

/// Why there is no access token.
#[derive(Debug, Clone, thiserror::Error)]
pub(in crate::server) enum CredentialError {
    #[error(transparent)]
    Endpoint(#[from] TokenEndpointError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the room server failed while it dealt with the token")]
    Lost,
    #[error("the room server is stopping")]
    Stopping,
}

impl CredentialError {
    /// Waiting does not help: the provider said no, or the credential cannot be read. Somebody has to sign
    /// in again.
    pub(in crate::server) fn is_final(&self) -> bool {
        match self {
            Self::Endpoint(error) => error.is_refusal(),
            error => error.is_damage(),
        }
    }

    /// What is stored of this credential is not what was written.
    const fn is_damage(&self) -> bool {
        matches!(self, Self::Store(StoreError::Damaged { .. }))
    }
}

type Outcome = Result<Option<SensitiveText>, CredentialError>;
type Refresh = Shared<BoxFuture<'static, Outcome>>;

/// The credentials of a server.
#[derive(Debug)]
pub(in crate::server) struct Credentials {
    store: Arc<dyn Store>,
    pub(in crate::server) endpoints: TokenEndpoints,
    refreshes: Mutex<HashMap<SecretKey, Refresh>>,
}

impl Credentials {
    pub(in crate::server) fn new(store: Arc<dyn Store>, endpoints: TokenEndpoints) -> Self {
        Self {
            store,
            endpoints,
            refreshes: Mutex::default(),
        }
    }

    /// The credentials of `client` that `query` finds in `store`, in its order, as far as they
    /// are good for `scopes`.
    pub(in crate::server) async fn find(
        &self,
        store: &dyn Store,
        client: &ClientAtProvider,
        query: SecretQuery,
        scopes: &[OAuthScope],
    ) -> Result<Vec<SecretKey>, CredentialError> {
        let query = SecretQuery {
            secret_type: Some(CREDENTIAL_TYPE.to_owned()),
            ..query
        };
        let start = client.id_start();
        let mut found = Vec::new();
        let Found { secrets, damage } = store.find(query).await?;
        if let Some(error) = damage {
            tracing::warn!(%error, "a credential is passed over");
        }
        for StoredSecret { record, .. } in secrets {
            if record.kind != SecretKind::OAuth || !record.key.id.as_str().starts_with(&start) {
                continue;
            }
            let credential = match self.read(record.key.clone()).await {
                Err(error) if error.is_damage() => {
                    // It is of no use to anybody, and the others are as good as ever.
                    tracing::warn!(%error, owner = %record.key.owner, "a credential is passed over");
                    continue;
                }
                credential => credential?,
            };
            if credential.is_some_and(|(_, credential)| credential.is_of(client) && credential.covers(scopes))
            {
                found.push(record.key);
            }
        }
        Ok(found)
    }

    /// The access token of a credential, refreshed if need be. None if it has none that is still good
    /// and the provider gives no other. `secret` is the client's, if it was given with the call: it is used
    /// only where the provider does not accept the stored one, for a caller may be wrong about it.
    pub(in crate::server) async fn access_token(
        self: &Arc<Self>,
        key: SecretKey,
        secret: Option<SensitiveText>,
        hold: Hold,
    ) -> Outcome {
        let Some((_, credential)) = self.read(key.clone()).await? else {
            return Ok(None);
        };
        if credential.is_valid(clock::now()) {
            return Ok(Some(credential.access_token().clone()));
        }
        if credential.refresh_token().is_none() {
            return Ok(None);
        }
        let refreshed = self.refresh(key.clone(), hold.clone()).await;
        match (refreshed, credential.other_secret(secret)) {
            (Err(CredentialError::Endpoint(error)), Some(secret)) if error.is_invalid_client() => {
                let credentials = Arc::clone(self);
                let refresh = async move { credentials.refresh_now(&key, Some(secret)).await };
                run_detached(refresh, hold).await
            }
            (refreshed, _) => refreshed,
        }
    }

    /// Joins the refresh of that credential that is under way, or starts one.
    fn refresh(self: &Arc<Self>, key: SecretKey, hold: Hold) -> Refresh {
        let mut refreshes = self.refreshes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(under_way) = refreshes.get(&key) {
            return under_way.clone();
        }
        let (done, outcome) = oneshot::channel();
        let refresh = async { outcome.await.unwrap_or(Err(CredentialError::Lost)) }
            .boxed()
            .shared();
        refreshes.insert(key.clone(), refresh.clone());
        let under_way = UnderWay {
            credentials: Arc::clone(self),
            key,
        };
        // A task of its own: whoever waits may stop, and what the provider gives must not be lost.
        tokio::spawn(async move {
            let outcome = under_way.credentials.refresh_now(&under_way.key, None).await;
            drop(under_way);
            drop(hold);
            // Nobody may be waiting for it.
            let _ = done.send(outcome);
        });
        refresh
    }

    /// Refreshes, with the stored client secret or this one.
    async fn refresh_now(&self, key: &SecretKey, secret: Option<SensitiveText>) -> Outcome {
        // Another process that uses the store may just have done it.
        let _lock = self.store.lock(key.clone()).await?;
        let Some((record, mut credential)) = self.read(key.clone()).await? else {
            return Ok(None);
        };
        if credential.is_valid(clock::now()) {
            return Ok(Some(credential.access_token().clone()));
        }
        let (Some(refresh_token), Some(endpoint)) =
            (credential.refresh_token().cloned(), credential.token_endpoint())
        else {
            return Ok(None);
        };
        let is_stored = secret.is_none();
        let client = credential.client(secret);
        let asked = TokenRequest::RefreshToken { refresh_token };
        tracing::debug!(id = %key.id, owner = %key.owner, "refreshing a token");
        let refreshed = match self.endpoints.ask(&endpoint, &client, &asked).await {
            Ok(answer) => {
                credential.keep_secret(client);
                credential.take(answer, clock::now());
                true
            }
            // Of another secret who knows what the provider makes of it.
            Err(error) if is_stored && error.is_invalid_grant() => {
                tracing::info!(id = %key.id, owner = %key.owner, "a refresh token was revoked");
                credential.forget_refresh_token();
                false
            }
            Err(error) => return Err(error.into()),
        };
        if !self.store.replace(record, value_of(&credential)?).await? {
            // Deleted meanwhile, and it stays so.
            return Ok(None);
        }
        Ok(refreshed.then(|| credential.access_token().clone()))
    }

    /// Exchanges what somebody's sign-in brought, and stores the credential; `place` says whose it is and
    /// for whom, `scopes` what was asked for. Carried through when nobody waits for it any more.
    pub(in crate::server) async fn exchange(
        self: &Arc<Self>,
        exchange: Exchange,
        hold: Hold,
    ) -> Result<SensitiveText, CredentialError> {
        let credentials = Arc::clone(self);
        run_detached(async move { credentials.exchange_now(exchange).await }, hold).await
    }

    async fn exchange_now(&self, exchange: Exchange) -> Result<SensitiveText, CredentialError> {
        let Exchange {
            client,
            secret,
            scopes,
            key,
            asked,
        } = exchange;
        let known = OAuthClient {
            client_id: client.client_id.clone(),
            client_secret: secret.clone(),
        };
        let answer = self.endpoints.ask(&client.token_endpoint, &known, &asked).await?;
        let credential = Credential::new(&client, secret, &scopes, answer, clock::now());
        let record = SecretRecord {
            kind: SecretKind::OAuth,
            secret_type: CREDENTIAL_TYPE.to_owned(),
            name: client.name(&scopes),
            key,
        };
        let _lock = self.store.lock(record.key.clone()).await?;
        let former = self.same_place(&client, &record.key).await?;
        self.store.write(record, value_of(&credential)?).await?;
        for key in former {
            let Some((_, former)) = self.read(key.clone()).await? else {
                continue;
            };
            if credential.replaces(&former) {
                self.store.delete(key).await?;
            }
        }
        Ok(credential.access_token().clone())
    }

    /// The other credentials of the same client and identities as that of `key`.
    async fn same_place(
        &self,
        client: &ClientAtProvider,
        key: &SecretKey,
    ) -> Result<Vec<SecretKey>, CredentialError> {
        let delegated_to = DelegatedTo::Exactly(key.delegated_to.clone());
        let query = SecretQuery::new(key.room.clone(), key.owner.clone(), delegated_to);
        let mut found = self.find(&*self.store, client, query, &[]).await?;
        found.retain(|other| other != key && other.owner == key.owner);
        Ok(found)
    }

    async fn read(&self, key: SecretKey) -> Result<Option<(SecretRecord, Credential)>, CredentialError> {
        let Some((record, value)) = self.store.read(key).await? else {
            return Ok(None);
        };
        if record.kind != SecretKind::OAuth {
            return Ok(None);
        }
        Ok(Credential::open(&value).map(|credential| (record, credential)))
    }
}

/// A credential as the store takes it.
fn value_of(credential: &Credential) -> Result<SecretValue, CredentialError> {
    credential.to_value().ok_or(CredentialError::Lost)
}

/// Works on a task of its own: whoever waits may stop, and what the provider gives must not be lost.
async fn run_detached<T: Send + 'static>(
    work: impl Future<Output = Result<T, CredentialError>> + Send + 'static,
    hold: Hold,
) -> Result<T, CredentialError> {
    let worked = tokio::spawn(async move {
        let outcome = work.await;
        drop(hold);
        outcome
    });
    worked.await.unwrap_or(Err(CredentialError::Lost))
}

/// What a sign-in brought, and what becomes of it.
#[derive(Debug)]
pub(in crate::server) struct Exchange {
    pub(in crate::server) client: ClientAtProvider,
    pub(in crate::server) secret: Option<SensitiveText>,
    /// What was asked for.
    pub(in crate::server) scopes: Vec<OAuthScope>,
    /// Where the credential is kept.
    pub(in crate::server) key: SecretKey,
    pub(in crate::server) asked: TokenRequest,
}

/// A refresh that is under way; when this is dropped, however that comes, the next one may start.
struct UnderWay {
    credentials: Arc<Credentials>,
    key: SecretKey,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut refreshes = self
            .credentials
            .refreshes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        refreshes.remove(&self.key);
    }
}
