//! OAuth access tokens of credentials that a room holds (protocol, "OAuth").

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

/// Options of [`SecretsClient::request_oauth_token`].
#[derive(Debug, Clone, Default)]
pub struct OAuthTokenOptions {
    /// Redirect URI (RFC 6749, section 3.1.2). Without one the participant uses a loopback URI of its own.
    pub redirect_uri: Option<String>,
    /// Time to answer, rounded up to whole seconds. Default: five minutes; the server accepts up to a day.
    pub timeout: Option<Duration>,
    /// Identity, beside the participant's, that may use the credential. Default: the caller's.
    pub delegate_to: Option<Identity>,
}

impl SecretsClient {
    /// Requests an access token of `client`. It comes from a credential that the room holds, refreshed if need be;
    /// without one the participant `from` is asked to sign in, and the call waits for that.
    ///
    /// # Errors
    /// - [`RoomError::Rejected`](crate::room::RoomError::Rejected) if the participant or its provider refuses.
    /// - Code 1001 if the participant token's grant does not list the client; 1002 for a token endpoint that the server
    ///   does not call; 1003 if there is no such participant; 1008 if it leaves, or the token endpoint refuses the code;
    ///   1009 if it does not answer in time.
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

    /// Answers a request with the authorization code from the callback. `redirect_uri` is the redirect URI that was
    /// used, if the request had none, or a loopback one with another port.
    ///
    /// # Errors
    /// Code 1003 if this participant has no such request to answer, or has it no longer.
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

    /// Rejects a request. The requester gets the reason: for a refusal by the provider its error code, like
    /// `access_denied`.
    ///
    /// # Errors
    /// Code 1003 as for [`SecretsClient::provide_oauth_authorization`].
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

    /// Reads an access token of a credential that the room holds, refreshed if need be, without a sign-in. `None` if no
    /// credential gives one.
    ///
    /// The credential is one that the caller owns or that is delegated to the caller: with `delegated_by`, one that this
    /// identity signed in for; with `delegated_to`, one that this identity may use.
    ///
    /// # Errors
    /// Code 1001 if the participant token's grant does not list the client; 1005 if several owners delegated a
    /// credential to the caller and `delegated_by` is not given; 1008 if the provider refuses a refresh for now.
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
