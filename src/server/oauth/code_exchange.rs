//! Exchanges an authorization code for tokens (RFC 6749, section 4.1.3), and stores them as a credential.

use std::sync::Arc;

use super::client::ClientAtProvider;
use super::credential::Credential;
use super::credentials::{run_detached, value_of};
use super::{CredentialError, Credentials};
use crate::clock;
use crate::oauth::OAuthScope;
use crate::oauth::token_endpoint::{OAuthClient, TokenRequest};
use crate::sensitive::SensitiveText;
use crate::server::shutdown::WorkToken;
use crate::server::store::{
    Actor, AuditEntry, DelegatedTo, SecretKey, SecretKind, SecretQuery, SecretRecord,
};
use crate::wire::secrets::oauth::CREDENTIAL_TYPE;

/// A code that is to be exchanged, and where the credential is stored.
#[derive(Debug)]
pub(in crate::server) struct CodeExchange {
    pub(in crate::server) client: ClientAtProvider,
    pub(in crate::server) secret: Option<SensitiveText>,
    /// The scopes that the authorization asked for.
    pub(in crate::server) scopes: Vec<OAuthScope>,
    /// The owner and the delegate of the credential, and its id.
    pub(in crate::server) key: SecretKey,
    /// Who asked for the credential.
    pub(in crate::server) actor: Arc<Actor>,
    pub(in crate::server) request: TokenRequest,
}

impl Credentials {
    /// Exchanges a code, stores the credential and returns its access token. Runs to its end even if the caller
    /// stops waiting.
    pub(in crate::server) async fn exchange(
        self: &Arc<Self>,
        exchange: CodeExchange,
        work: WorkToken,
    ) -> Result<SensitiveText, CredentialError> {
        let credentials = Arc::clone(self);
        run_detached(async move { credentials.exchange_now(exchange).await }, work).await
    }

    async fn exchange_now(&self, exchange: CodeExchange) -> Result<SensitiveText, CredentialError> {
        let CodeExchange {
            client,
            secret,
            scopes,
            key,
            actor,
            request,
        } = exchange;
        let known = OAuthClient {
            client_id: client.client_id.clone(),
            client_secret: secret.clone(),
        };
        let answer = self
            .endpoints
            .ask(&client.token_endpoint, &known, &request)
            .await?;
        let credential = Credential::new(&client, secret, &scopes, answer, clock::now());
        let record = SecretRecord {
            kind: SecretKind::OAuth,
            secret_type: CREDENTIAL_TYPE.to_owned(),
            name: client.name(&scopes),
            key,
        };
        let _lock = self.store.lock(record.key.clone()).await?;
        let former = self.same_client(&client, &record.key).await?;
        let entry = AuditEntry::new(Arc::clone(&actor), "store_oauth_credential").about(&record.key);
        self.store.write(record, value_of(&credential)?, entry).await?;
        for key in former {
            let Some((_, former)) = self.read(key.clone()).await? else {
                continue;
            };
            if credential.replaces(&former) {
                let entry = AuditEntry::new(Arc::clone(&actor), "replace_oauth_credential").about(&key);
                self.store.delete(key, entry).await?;
            }
        }
        Ok(credential.access_token().clone())
    }

    /// The other credentials with the client, the owner and the delegate of the one at `key`.
    async fn same_client(
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
}
