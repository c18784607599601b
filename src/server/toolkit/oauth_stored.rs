//! Access tokens of credentials that are stored already (protocol, "OAuth").

use super::CallError;
use super::input::{delegate, delegator};
use super::lookup::several_owners;
use super::oauth::OAuth;
use super::oauth_input::OAuthInput;
use crate::sensitive::{SensitiveText, SerializableText};
use crate::server::oauth::CredentialError;
use crate::server::store::{DelegatedTo, SecretKey, SecretQuery};
use crate::wire::secrets::oauth::{GetOfflineOAuthToken, OfflineAccessToken};
use crate::wire::{Content, Identity};

impl OAuth<'_> {
    /// `get_offline_oauth_token`
    pub(super) async fn offline(self, input: GetOfflineOAuthToken) -> Result<Content, CallError> {
        let asked = OAuthInput::new(self.participant, input.connector.as_ref(), input.oauth)?;
        let delegated_to = delegate(input.delegated_to)?;
        let delegated_by = delegator(input.delegated_by)?;
        let caller = &self.participant.caller.identity;
        let mut keys = self.stored(&asked, caller, DelegatedTo::Anyone).await?;
        keys.retain(|key| {
            let delegate = key.delegated_to.as_ref().unwrap_or(&key.owner);
            delegated_by.as_ref().is_none_or(|by| *by == key.owner)
                && delegated_to.as_ref().is_none_or(|to| to == delegate)
        });
        // The caller's own credentials first, and of those the ones that are delegated to no one.
        keys.sort_by_key(|key| key.delegated_to.is_some());
        let (own, lent): (Vec<_>, Vec<_>) = keys.into_iter().partition(|key| key.owner == *caller);
        let mut token = self.first_token(own, &asked).await;
        if !matches!(token, Ok(Some(_))) {
            // Any participant may delegate a credential to the caller: it must choose whose account is used.
            if let Some(error) = several_owners(lent.iter().map(|key| &key.owner)) {
                return Err(error);
            }
            token = match (token, self.first_token(lent, &asked).await) {
                (Err(error), Ok(None) | Err(_)) => Err(error),
                (_, lent) => lent,
            };
        }
        let access_token = token?.map(SerializableText);
        if access_token.is_none() {
            self.access.found_nothing();
        }
        Ok(Content::json(&OfflineAccessToken { access_token })?)
    }

    /// The stored credentials of the client and scopes that `viewer` may see.
    pub(super) async fn stored(
        self,
        input: &OAuthInput,
        viewer: &Identity,
        delegated_to: DelegatedTo,
    ) -> Result<Vec<SecretKey>, CallError> {
        let query = SecretQuery::new(self.participant.room.clone(), viewer.clone(), delegated_to);
        let credentials = &self.participant.state.credentials;
        let store = &*self.participant.store;
        Ok(credentials
            .find(store, &input.client, query, &input.scopes)
            .await?)
    }

    /// The access token of the first of these credentials that has one. If none has, the error of one of
    /// them; an error that may be over later goes before a final one.
    pub(super) async fn first_token(
        self,
        keys: Vec<SecretKey>,
        input: &OAuthInput,
    ) -> Result<Option<SensitiveText>, CredentialError> {
        let credentials = &self.participant.state.credentials;
        let mut problem: Option<CredentialError> = None;
        for key in keys {
            self.access.about(&key);
            let work = self.start_work()?;
            match credentials.access_token(key, input.secret.clone(), work).await {
                Ok(None) => {}
                Ok(Some(token)) => return Ok(Some(token)),
                Err(error) => {
                    if problem.as_ref().is_none_or(CredentialError::is_final) {
                        problem = Some(error);
                    }
                }
            }
        }
        problem.map_or(Ok(None), Err)
    }
}
