//! OAuth access tokens: the credentials that a room holds.

use std::time::Duration;

use super::requests::whole_seconds;
use super::{SecretsClient, SecretsError, expect_done, expect_json};
use crate::sensitive::{SensitiveText, SerializableText};
use crate::wire::secrets::oauth::{
    AccessToken, GetOfflineOAuthToken, OAuthClientConfig, OfflineAccessToken, ProvideOAuthAuthorization,
    RequestOAuthToken,
};
use crate::wire::secrets::tool;
use crate::wire::{Content, Identity, ParticipantId, RequestId};

/// How somebody is asked to sign in.
#[derive(Debug, Clone, Default)]
pub struct OAuthTokenOptions {
    /// Where the provider sends the browser afterwards; a loopback URI of its own choice if there is none.
    pub redirect_uri: Option<String>,
    /// How long the participant has to answer: whole seconds, begun ones count; five minutes if there is
    /// none. The server takes at most a day.
    pub timeout: Option<Duration>,
    /// Identity that may use the credential beside the one who signs in; the caller if there is none.
    pub delegate_to: Option<Identity>,
}

impl SecretsClient {
    /// An access token of `client`: from the credential that the room holds, refreshed if need be, else the
    /// participant `from` is asked to sign in. That may take its whole time.
    ///
    /// # Errors
    /// [`RoomError::Rejected`](crate::room::RoomError::Rejected) if the participant or its provider says no. Code 1001 if the
    /// token's grant does not list the client, 1003 if the participant is not there, 1009 if it does not
    /// answer in time, 1008 if it leaves or the provider refuses what it brought.
    pub async fn request_oauth_token(
        &self,
        from: &ParticipantId,
        client: &OAuthClientConfig,
        options: OAuthTokenOptions,
    ) -> Result<SensitiveText, SecretsError> {
        let input = RequestOAuthToken {
            connector: None,
            oauth: Some(client.clone()),
            redirect_uri: options.redirect_uri,
            participant_id: from.to_string(),
            timeout: options.timeout.map(whole_seconds),
            delegate_to: options.delegate_to.map(Into::into),
        };
        let answer = self.call(tool::REQUEST_OAUTH, Content::json(&input)?).await?;
        let answer: AccessToken = expect_json(tool::REQUEST_OAUTH, answer)?;
        Ok(answer.access_token.0)
    }

    /// Answers a request with the authorization code that signing in brought. `redirect_uri` is the one
    /// that was used, where the request left it, or its port, to this side.
    ///
    /// # Errors
    /// Code 1003 if the request is not there any more.
    pub async fn provide_oauth_authorization(
        &self,
        request_id: &RequestId,
        code: SensitiveText,
        redirect_uri: Option<String>,
    ) -> Result<(), SecretsError> {
        self.answer_oauth(ProvideOAuthAuthorization {
            request_id: request_id.to_string(),
            code: Some(SerializableText(code)),
            error: None,
            redirect_uri,
        })
        .await
    }

    /// Rejects a request. `reason` is for whoever asked: the provider's error code, like `access_denied`,
    /// if it was the provider that said no.
    ///
    /// # Errors
    /// Code 1003 if the request is not there any more.
    pub async fn reject_oauth_authorization(
        &self,
        request_id: &RequestId,
        reason: &str,
    ) -> Result<(), SecretsError> {
        self.answer_oauth(ProvideOAuthAuthorization {
            request_id: request_id.to_string(),
            error: Some(reason.to_owned()),
            ..ProvideOAuthAuthorization::default()
        })
        .await
    }

    async fn answer_oauth(&self, input: ProvideOAuthAuthorization) -> Result<(), SecretsError> {
        let answer = self.call(tool::PROVIDE_OAUTH, Content::json(&input)?).await?;
        expect_done(tool::PROVIDE_OAUTH, answer)
    }

    /// An access token of a credential that the room holds, refreshed if need be. Nobody is asked; `None`
    /// if there is none. It is the credential that `delegated_by` signed in for and `delegated_to` may
    /// use, of whom the caller must be one; whoever is not given may be anybody.
    pub async fn get_offline_oauth_token(
        &self,
        client: &OAuthClientConfig,
        delegated_to: Option<&Identity>,
        delegated_by: Option<&Identity>,
    ) -> Result<Option<SensitiveText>, SecretsError> {
        let input = GetOfflineOAuthToken {
            connector: None,
            oauth: Some(client.clone()),
            delegated_to: delegated_to.map(ToString::to_string),
            delegated_by: delegated_by.map(ToString::to_string),
        };
        let answer = self.call(tool::OFFLINE_OAUTH, Content::json(&input)?).await?;
        let answer: OfflineAccessToken = expect_json(tool::OFFLINE_OAUTH, answer)?;
        Ok(answer.access_token.map(|token| token.0))
    }
}
