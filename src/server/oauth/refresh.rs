//! Access tokens of stored credentials, refreshed where they have expired (RFC 6749, section 6).
//!
//! A credential is refreshed once for all calls that wait for it, and a refresh runs to its end even if all of
//! them stop waiting: a provider that rotates refresh tokens refuses the old one from then on. The new tokens are
//! stored before any of them is given out.

use std::sync::{Arc, PoisonError};

use futures_util::FutureExt;
use tokio::sync::oneshot;

use super::credentials::{Outcome, Refresh, run_detached, value_of};
use super::{CredentialError, Credentials};
use crate::clock;
use crate::oauth::token_endpoint::TokenRequest;
use crate::sensitive::SensitiveText;
use crate::server::shutdown::WorkToken;
use crate::server::store::{AuditEntry, SecretKey};

impl Credentials {
    /// The access token of a credential, refreshed if it has expired. None if it has no valid token and cannot be
    /// refreshed. `secret` is the client secret that came with the call: it is used only where the provider does
    /// not accept the stored one, because a caller may be wrong about it.
    pub(in crate::server) async fn access_token(
        self: &Arc<Self>,
        key: SecretKey,
        secret: Option<SensitiveText>,
        work: WorkToken,
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
        let refreshed = self.refresh(key.clone(), work.clone()).await;
        match (refreshed, credential.other_secret(secret)) {
            (Err(CredentialError::Endpoint(error)), Some(secret)) if error.is_invalid_client() => {
                let credentials = Arc::clone(self);
                let refresh = async move { credentials.refresh_now(&key, Some(secret)).await };
                run_detached(refresh, work).await
            }
            (refreshed, _) => refreshed,
        }
    }

    /// Joins the refresh of that credential that is in progress, or starts one.
    fn refresh(self: &Arc<Self>, key: SecretKey, work: WorkToken) -> Refresh {
        let mut refreshes = self.refreshes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(in_progress) = refreshes.get(&key) {
            return in_progress.clone();
        }
        let (done, outcome) = oneshot::channel();
        let refresh = async { outcome.await.unwrap_or(Err(CredentialError::Lost)) }
            .boxed()
            .shared();
        refreshes.insert(key.clone(), refresh.clone());
        let in_progress = InProgress {
            credentials: Arc::clone(self),
            key,
        };
        // On a task of its own, because the callers may stop waiting.
        tokio::spawn(async move {
            let outcome = in_progress.credentials.refresh_now(&in_progress.key, None).await;
            drop(in_progress);
            drop(work);
            // All callers may have stopped waiting.
            let _ = done.send(outcome);
        });
        refresh
    }

    /// Refreshes a credential, with its stored client secret or with `secret`.
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
        let request = TokenRequest::RefreshToken { refresh_token };
        tracing::debug!(id = %key.id, owner = %key.owner, "refreshing a token");
        let refreshed = match self.endpoints.ask(&endpoint, &client, &request).await {
            Ok(answer) => {
                credential.keep_secret(client);
                credential.take(answer, clock::now());
                true
            }
            // With another secret, the provider may mean the client and not the refresh token.
            Err(error) if is_stored && error.is_invalid_grant() => {
                tracing::info!(id = %key.id, owner = %key.owner, "a refresh token was revoked");
                credential.forget_refresh_token();
                false
            }
            Err(error) => return Err(error.into()),
        };
        let entry = AuditEntry::of_server("refresh_oauth_token").about(key);
        if !self.store.replace(record, value_of(&credential)?, entry).await? {
            // The credential was deleted meanwhile, and stays deleted.
            return Ok(None);
        }
        Ok(refreshed.then(|| credential.access_token().clone()))
    }
}

/// A refresh in progress. Dropping it lets the next one start, even after a panic.
struct InProgress {
    credentials: Arc<Credentials>,
    key: SecretKey,
}

impl Drop for InProgress {
    fn drop(&mut self) {
        let mut refreshes = self
            .credentials
            .refreshes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        refreshes.remove(&self.key);
    }
}
