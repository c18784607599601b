//! Requests to a participant to sign in at an OAuth provider, and their answers (protocol, "OAuth").
//!
//! A credential is a secret of the participant that signed in, delegated to the identity that it was requested
//! for; a credential for the participant itself is delegated to no one. An identity that may see it gets its
//! access token here, and a description without tokens from `get_secret`: the refresh token and the client's
//! secret never leave the server.

use std::sync::Arc;

use futures_util::FutureExt as _;
use serde::{Deserialize, Serialize};

use super::CallError;
use super::answer::{Answer, Outcome};
use super::input::new_delegate;
use super::oauth_input::{OAuthInput, invalid_input, text, uri, used_redirect_uri};
use super::participant_request::{self, ParticipantRequest};
use super::requests::REJECT;
use crate::oauth::PkceVerifier;
use crate::oauth::token_endpoint::TokenRequest;
use crate::sensitive::{SecretValue, SensitiveText, SerializableText};
use crate::server::audit::Access;
use crate::server::oauth::{CodeExchange, CredentialError};
use crate::server::participant::Participant;
use crate::server::rooms::{NewRequest, Reply};
use crate::server::shutdown::WorkToken;
use crate::server::store::{DelegatedTo, SecretKey};
use crate::wire::secrets::oauth::{AccessToken, ProvideOAuthAuthorization, RequestOAuthToken};
use crate::wire::secrets::request::{OAUTH_TOKEN_REQUEST, OAuthTokenRequest, RequestedAuthorization};
use crate::wire::{Content, ErrorCode, Identity};

/// The OAuth tools, for one call.
#[derive(Clone, Copy)]
pub(super) struct OAuth<'a> {
    pub(super) participant: &'a Participant,
    pub(super) access: &'a Access,
}

/// The reply of the participant that signed in, on its way to the requester's call.
#[derive(Serialize, Deserialize)]
struct Authorization {
    code: SerializableText,
    redirect_uri: Option<String>,
}

impl<'a> OAuth<'a> {
    /// `request_oauth_token`: the token of a stored credential, or a request to the participant.
    pub(super) async fn request(self, input: RequestOAuthToken) -> Result<Outcome<'a>, CallError> {
        let asked = OAuthInput::new(self.participant, input.connector.as_ref(), input.oauth)?;
        let redirect_uri = uri("redirect_uri", input.redirect_uri)?;
        let other_user = new_delegate(input.delegate_to)?;
        let to = ParticipantRequest::new(self.participant, input.participant_id, input.timeout)?;
        let requester = &self.participant.caller.identity;
        let owner = &to.member.identity;
        let user = other_user.as_ref().unwrap_or(requester);
        let delegated_to = (user != owner).then(|| user.clone());
        // The requester may not see a credential that is for another: it asks anew, in its own name.
        if [owner, user].contains(&requester) {
            let filter = DelegatedTo::Exactly(delegated_to.clone());
            let mut keys = self.stored(&asked, owner, filter).await?;
            keys.retain(|key| key.owner == *owner);
            match self.first_token(keys, &asked).await {
                Ok(Some(token)) => return Ok(access_token(token)?.into()),
                Ok(None) => {}
                Err(error) if error.is_final() => {
                    tracing::info!(%error, %owner, "a stored credential is of no use any more");
                }
                Err(error) => return Err(error.into()),
            }
        }
        let id = asked.client.id(&asked.scopes);
        let key = SecretKey {
            room: self.participant.room.clone(),
            owner: owner.clone(),
            delegated_to,
            id: id.ok_or_else(|| invalid_input("`token_endpoint` is not usable"))?,
        };
        self.access.about(&key);
        Ok(Outcome::Wait(
            self.ask(to, asked, key, redirect_uri, other_user).boxed(),
        ))
    }

    /// Asks the participant to sign in, and exchanges the code that it provides. The credential is stored
    /// under `key`.
    async fn ask(
        self,
        to: ParticipantRequest<'a>,
        asked: OAuthInput,
        key: SecretKey,
        redirect_uri: Option<String>,
        other_user: Option<Identity>,
    ) -> Result<Answer, CallError> {
        let verifier = asked.pkce.then(PkceVerifier::generate).transpose();
        let verifier = verifier.map_err(|_| failed("the room server has no random numbers"))?;
        let request = RequestedAuthorization {
            connector: None,
            oauth: Some(asked.shown()),
            redirect_uri: redirect_uri.clone(),
            participant_id: Some(to.member.id.to_string()),
            timeout: Some(to.timeout.as_secs()),
            delegate_to: other_user.map(Into::into),
        };
        let challenge = verifier
            .as_ref()
            .map(|verifier| verifier.challenge().as_str().to_owned());
        let requester = Some(to.requester());
        let new = NewRequest {
            message_type: OAUTH_TOKEN_REQUEST,
            header: |request_id| OAuthTokenRequest {
                request_id,
                request,
                challenge,
                requester,
            },
            keep_as: None,
            timeout: to.timeout,
        };
        let provided = match to.send(new).await? {
            Reply::Provided(provided) => provided,
            Reply::Rejected(reason) => return Ok(participant_request::rejected(&reason).into()),
            Reply::Stored(_) | Reply::Lost => return Err(failed("the participant's answer was lost")),
        };
        let authorization: Authorization = serde_json::from_slice(provided.expose())
            .map_err(|_| failed("the participant's answer was lost"))?;
        let exchange = CodeExchange {
            request: TokenRequest::AuthorizationCode {
                code: authorization.code.0,
                redirect_uri: used_redirect_uri(redirect_uri, authorization.redirect_uri)?,
                verifier,
            },
            client: asked.client,
            secret: asked.secret,
            scopes: asked.scopes,
            actor: Arc::clone(&self.participant.actor),
            key,
        };
        let credentials = &self.participant.state.credentials;
        let token = credentials.exchange(exchange, self.start_work()?).await?;
        Ok(access_token(token)?.into())
    }

    /// `provide_oauth_authorization`
    pub(super) fn provide(self, input: ProvideOAuthAuthorization) -> Result<Content, CallError> {
        let reply = match (input.error, input.code) {
            (Some(reason), _) => {
                self.access.is_operation(REJECT);
                participant_request::rejection(&reason)
            }
            (None, Some(code)) => {
                let authorization = Authorization {
                    code: SerializableText(text("code", code.0.into_exposed())?.into()),
                    redirect_uri: uri("redirect_uri", input.redirect_uri)?,
                };
                let authorization = serde_json::to_vec(&authorization);
                Reply::Provided(SecretValue::new(
                    authorization.map_err(|_| invalid_input("`code` is not usable"))?,
                ))
            }
            (None, None) => return Err(invalid_input("neither a code nor an error came with the call")),
        };
        participant_request::take(self.participant, input.request_id, OAUTH_TOKEN_REQUEST)?.reply(reply);
        Ok(Content::Empty)
    }

    /// Makes the server finish the work that the token stands for before it stops.
    pub(super) fn start_work(self) -> Result<WorkToken, CredentialError> {
        self.participant
            .state
            .work
            .start()
            .ok_or(CredentialError::Stopping)
    }
}

fn access_token(token: SensitiveText) -> Result<Content, CallError> {
    let access_token = SerializableText(token);
    Ok(Content::json(&AccessToken { access_token })?)
}

fn failed(text: &str) -> CallError {
    CallError::new(ErrorCode::OperationFailed, text)
}
