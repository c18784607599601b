//! The credentials of a server: found and read in the store. [`refresh`](super::refresh) uses them, and
//! [`code_exchange`](super::code_exchange) adds new ones.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use futures_util::future::{BoxFuture, Shared};

use super::client::ClientAtProvider;
use super::credential::Credential;
use super::{CredentialError, TokenEndpoints};
use crate::oauth::OAuthScope;
use crate::sensitive::{SecretValue, SensitiveText};
use crate::server::shutdown::WorkToken;
use crate::server::store::{Found, SecretKey, SecretKind, SecretQuery, SecretRecord, Store, StoredSecret};
use crate::wire::secrets::oauth::CREDENTIAL_TYPE;

/// The access token of a credential; None if it has none.
pub(super) type Outcome = Result<Option<SensitiveText>, CredentialError>;

/// A refresh in progress: all calls that need its token wait for the same one.
pub(super) type Refresh = Shared<BoxFuture<'static, Outcome>>;

/// The credentials of a server.
#[derive(Debug)]
pub(in crate::server) struct Credentials {
    pub(super) store: Arc<dyn Store>,
    pub(in crate::server) endpoints: TokenEndpoints,
    /// The refreshes in progress.
    pub(super) refreshes: Mutex<HashMap<SecretKey, Refresh>>,
}

impl Credentials {
    /// The credentials in `store`, whose tokens come from `endpoints`.
    pub(in crate::server) fn new(store: Arc<dyn Store>, endpoints: TokenEndpoints) -> Self {
        Self {
            store,
            endpoints,
            refreshes: Mutex::default(),
        }
    }

    /// The credentials of `client` that `query` finds in `store` and that cover `scopes`, in the order of the query.
    pub(in crate::server) async fn find(
        &self,
        store: &dyn Store,
        client: &ClientAtProvider,
        query: SecretQuery,
        scopes: &[OAuthScope],
    ) -> Result<Vec<SecretKey>, CredentialError> {
        let query = SecretQuery {
            prefix: client.id_start(),
            secret_type: Some(CREDENTIAL_TYPE.to_owned()),
            ..query
        };
        let mut found = Vec::new();
        let Found { secrets, damage, .. } = store.find(query).await?;
        if let Some(error) = damage {
            tracing::warn!(%error, "a credential is passed over");
        }
        for StoredSecret { record, .. } in secrets {
            if record.kind != SecretKind::OAuth {
                continue;
            }
            let credential = match self.read(record.key.clone()).await {
                Err(error) if error.is_damage() => {
                    // It is lost; the others are not affected.
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

    /// The credential at `key`. None if there is none, or it cannot be parsed.
    pub(super) async fn read(
        &self,
        key: SecretKey,
    ) -> Result<Option<(SecretRecord, Credential)>, CredentialError> {
        let Some((record, value)) = self.store.read(key).await? else {
            return Ok(None);
        };
        if record.kind != SecretKind::OAuth {
            return Ok(None);
        }
        Ok(Credential::open(&value).map(|credential| (record, credential)))
    }
}

/// The value of a credential in the store.
pub(super) fn value_of(credential: &Credential) -> Result<SecretValue, CredentialError> {
    credential.to_value().ok_or(CredentialError::Lost)
}

/// Runs `future` on a task of its own, which ends even if the caller stops waiting: what the provider gives must not
/// be lost. The server waits for it when it stops, as for all of `work`.
pub(super) async fn run_detached<T: Send + 'static>(
    future: impl Future<Output = Result<T, CredentialError>> + Send + 'static,
    work: WorkToken,
) -> Result<T, CredentialError> {
    let worked = tokio::spawn(async move {
        let outcome = future.await;
        drop(work);
        outcome
    });
    worked.await.unwrap_or(Err(CredentialError::Lost))
}
