//! OAuth access tokens: asking a participant to sign in, answering, and what is there already (protocol,
//! "OAuth").
//!
//! A credential is a secret of whoever signed in, delegated to whom it was asked for; one's own is
//! delegated to nobody. Whoever may see it gets its access token here, and a description without tokens
//! from `get_secret`: the refresh token and the client's secret never leave the server.

use serde::{Deserialize, Serialize};
use url::Url;

use super::CallError;
use super::input::{delegate, invalid, new_delegate};
use super::participant_request::{self, Asking};
use crate::oauth::token_endpoint::TokenRequest;
use crate::oauth::{OAuthScope, PkceVerifier};
use crate::sensitive::{SecretValue, SensitiveText, SerializableText};
use crate::server::oauth::{ClientAtProvider, CredentialError, Exchange, TokenEndpointError};
use crate::server::participant::{Participant, Place};
use crate::server::rooms::{Answer, Question};
use crate::server::shutdown::Hold;
use crate::server::store::{DelegatedTo, SecretKey, SecretQuery};
use crate::wire::secrets::oauth::{
    AccessToken, GetOfflineOAuthToken, OAuthClientConfig, OfflineAccessToken, ProvideOAuthAuthorization,
    RequestOAuthToken,
};
use crate::wire::secrets::request::{
    AuthorizedClient, OAUTH_TOKEN_REQUEST, OAuthTokenRequest, RequestedAuthorization,
};
use crate::wire::{Content, ErrorCode, Header, HttpEndpoint, Identity, MAX_URL_BYTES, is_loopback};

/// Longest client id, client secret and code, in bytes.
const MAX_TEXT_BYTES: usize = 8 << 10;

/// Most scopes of a request.
const MAX_SCOPES: usize = 256;

/// The OAuth tools, for one call.
pub(super) struct OAuth<'a> {
    pub(super) participant: &'a Participant,
}

/// A client at its provider, and what is wanted of it.
struct Wanted {
    client: ClientAtProvider,
    secret: Option<SensitiveText>,
    scopes: Vec<OAuthScope>,
    pkce: bool,
}

/// What a participant answers, on its way to whoever asked.
#[derive(Serialize, Deserialize)]
struct Authorization {
    code: SerializableText,
    redirect_uri: Option<String>,
}

impl OAuth<'_> {
    /// `request_oauth_token`
    pub(super) async fn request(
        &self,
        input: RequestOAuthToken,
        place: &mut Place,
    ) -> Result<Content, CallError> {
        let wanted = self.wanted(input.connector.as_ref(), input.oauth)?;
        let redirect_uri = uri("redirect_uri", input.redirect_uri)?;
        let other_user = new_delegate(input.delegate_to)?;
        let asking = Asking::new(self.participant, input.participant_id, input.timeout)?;
        let requester = &self.participant.caller.identity;
        let owner = &asking.member.identity;
        let user = other_user.as_ref().unwrap_or(requester);
        let delegated_to = (user != owner).then(|| user.clone());
        // What is for somebody else is not the caller's to see: it is asked for anew, in its own name.
        if [owner, user].contains(&requester) {
            let filter = DelegatedTo::Exactly(delegated_to.clone());
            let mut keys = self.stored(&wanted, owner, filter).await?;
            keys.retain(|key| key.owner == *owner);
            match self.first_token(keys, &wanted).await {
                Ok(Some(token)) => return answer(token),
                Ok(None) => {}
                Err(error) if error.is_final() => {
                    tracing::info!(%error, %owner, "a stored credential is of no use any more");
                }
                Err(error) => return Err(error.into()),
            }
        }
        let id = wanted.client.id(&wanted.scopes);
        let key = SecretKey {
            room: self.participant.room.clone(),
            owner: owner.clone(),
            delegated_to,
            id: id.ok_or_else(|| bad("`token_endpoint` is not usable"))?,
        };
        let verifier = wanted.pkce.then(PkceVerifier::generate).transpose();
        let verifier = verifier.map_err(|_| failed("the room server has no random numbers"))?;
        let request = RequestedAuthorization {
            connector: None,
            oauth: Some(wanted.shown()),
            redirect_uri: redirect_uri.clone(),
            participant_id: Some(asking.member.id.to_string()),
            timeout: Some(asking.timeout.as_secs()),
            delegate_to: other_user.map(Into::into),
        };
        let challenge = verifier
            .as_ref()
            .map(|verifier| verifier.challenge().as_str().to_owned());
        let requester = Some(asking.requester());
        let question = Question {
            message_type: OAUTH_TOKEN_REQUEST,
            header: |request_id| OAuthTokenRequest {
                request_id,
                request,
                challenge,
                requester,
            },
            keep_as: None,
            timeout: asking.timeout,
        };
        let authorized = match asking.ask(question, place).await? {
            Answer::Provided(authorized) => authorized,
            Answer::Rejected(reason) => return Ok(participant_request::rejected(&reason)),
            Answer::Lost => return Err(failed("the participant's answer was lost")),
        };
        let authorized: Authorization = serde_json::from_slice(authorized.expose())
            .map_err(|_| failed("the participant's answer was lost"))?;
        let exchange = Exchange {
            asked: TokenRequest::AuthorizationCode {
                code: authorized.code.0,
                redirect_uri: used(redirect_uri, authorized.redirect_uri)?,
                verifier,
            },
            client: wanted.client,
            secret: wanted.secret,
            scopes: wanted.scopes,
            key,
        };
        let credentials = &self.participant.state.credentials;
        answer(credentials.exchange(exchange, self.hold()?).await?)
    }

    /// `provide_oauth_authorization`
    pub(super) fn provide(&self, input: ProvideOAuthAuthorization) -> Result<Content, CallError> {
        let provided = match (input.error, input.code) {
            (Some(reason), _) => participant_request::rejection(&reason),
            (None, Some(code)) => {
                let authorization = Authorization {
                    code: SerializableText(text("code", code.0.into_exposed())?.into()),
                    redirect_uri: uri("redirect_uri", input.redirect_uri)?,
                };
                let authorization = serde_json::to_vec(&authorization);
                Answer::Provided(SecretValue::new(
                    authorization.map_err(|_| bad("`code` is not usable"))?,
                ))
            }
            (None, None) => return Err(bad("neither a code nor an error came with the call")),
        };
        participant_request::take(self.participant, input.request_id, OAUTH_TOKEN_REQUEST)?.answer(provided);
        Ok(Content::Empty)
    }

    /// `get_offline_oauth_token`
    pub(super) async fn offline(&self, input: GetOfflineOAuthToken) -> Result<Content, CallError> {
        let wanted = self.wanted(input.connector.as_ref(), input.oauth)?;
        let delegated_to = delegate(input.delegated_to)?;
        let delegated_by = input.delegated_by.map(Identity::new).transpose();
        let delegated_by = delegated_by.map_err(|error| invalid("delegated_by", error))?;
        let caller = &self.participant.caller.identity;
        let mut keys = self.stored(&wanted, caller, DelegatedTo::Anyone).await?;
        keys.retain(|key| {
            let delegate = key.delegated_to.as_ref().unwrap_or(&key.owner);
            delegated_by.as_ref().is_none_or(|by| *by == key.owner)
                && delegated_to.as_ref().is_none_or(|to| to == delegate)
        });
        // The caller's own first, and of those the ones for itself.
        keys.sort_by_key(|key| key.delegated_to.is_some());
        let (own, lent): (Vec<_>, Vec<_>) = keys.into_iter().partition(|key| key.owner == *caller);
        let mut token = self.first_token(own, &wanted).await;
        if !matches!(token, Ok(Some(_))) {
            // Anybody may delegate a credential to anybody: which account is used is not left to chance.
            if lent
                .first()
                .is_some_and(|first| lent.iter().any(|key| key.owner != first.owner))
            {
                return Err(CallError::new(
                    ErrorCode::Conflict,
                    "more than one participant has delegated such a credential: name one as `delegated_by`",
                ));
            }
            token = match (token, self.first_token(lent, &wanted).await) {
                (Err(error), Ok(None) | Err(_)) => Err(error),
                (_, lent) => lent,
            };
        }
        let access_token = token?.map(SerializableText);
        Ok(Content::json(&OfflineAccessToken { access_token })?)
    }

    /// Reads what is wanted, and checks that the caller may want it.
    fn wanted(
        &self,
        connector: Option<&Header>,
        oauth: Option<OAuthClientConfig>,
    ) -> Result<Wanted, CallError> {
        if connector.is_some() {
            return Err(CallError::new(
                ErrorCode::DependencyMissing,
                "this server has no connectors: give the client and its endpoints",
            ));
        }
        let oauth = oauth.ok_or_else(|| bad("neither `oauth` nor a connector came with the call"))?;
        let grant = self.participant.caller.api.secrets.as_ref();
        if !grant.is_some_and(|grant| grant.allows_oauth(&oauth.client_id, &oauth.authorization_endpoint)) {
            return Err(CallError::new(
                ErrorCode::PermissionDenied,
                "the token's `secrets` grant does not list this client at this authorization endpoint",
            ));
        }
        let wanted = Wanted::read(oauth)?;
        let endpoints = &self.participant.state.credentials.endpoints;
        endpoints.check(&wanted.client.token_endpoint)?;
        Ok(wanted)
    }

    /// The stored credentials that serve, of those `viewer` may see.
    async fn stored(
        &self,
        wanted: &Wanted,
        viewer: &Identity,
        delegated_to: DelegatedTo,
    ) -> Result<Vec<SecretKey>, CallError> {
        let query = SecretQuery::new(self.participant.room.clone(), viewer.clone(), delegated_to);
        let credentials = &self.participant.state.credentials;
        let store = &*self.participant.store;
        Ok(credentials
            .find(store, &wanted.client, query, &wanted.scopes)
            .await?)
    }

    /// The first token that one of these credentials gives, in their order. If none does, an error of one
    /// of them, and before all others one that may be over later.
    async fn first_token(
        &self,
        keys: Vec<SecretKey>,
        wanted: &Wanted,
    ) -> Result<Option<SensitiveText>, CredentialError> {
        let credentials = &self.participant.state.credentials;
        let mut problem: Option<CredentialError> = None;
        for key in keys {
            let hold = self.hold()?;
            match credentials.access_token(key, wanted.secret.clone(), hold).await {
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

    /// Keeps the server from being over meanwhile.
    fn hold(&self) -> Result<Hold, CredentialError> {
        let hold = self.participant.state.holds.hold();
        hold.ok_or(CredentialError::Stopping)
    }
}

impl Wanted {
    fn read(oauth: OAuthClientConfig) -> Result<Self, CallError> {
        let authorization_endpoint = uri("authorization_endpoint", Some(oauth.authorization_endpoint))?
            .ok_or_else(|| bad("`authorization_endpoint` is missing"))?;
        let authorization_endpoint = endpoint("authorization_endpoint", authorization_endpoint)?;
        let token_endpoint = endpoint("token_endpoint", oauth.token_endpoint)?;
        let scopes = oauth.scopes.unwrap_or_default();
        if scopes.len() > MAX_SCOPES {
            return Err(bad(format!("`scopes` has more than {MAX_SCOPES} members")));
        }
        let scopes: Result<Vec<_>, _> = scopes.into_iter().map(OAuthScope::new).collect();
        let secret = oauth.client_secret.map(|secret| secret.0.into_exposed());
        let secret = secret.filter(|secret| !secret.is_empty());
        Ok(Self {
            client: ClientAtProvider {
                client_id: text("client_id", oauth.client_id)?,
                authorization_endpoint: authorization_endpoint.to_string(),
                token_endpoint: token_endpoint.into_url(),
            },
            secret: secret
                .map(|secret| text("client_secret", secret))
                .transpose()?
                .map(Into::into),
            scopes: scopes.map_err(|error| bad(format!("`scopes` is not usable: {error}")))?,
            pkce: oauth.no_pkce != Some(true),
        })
    }

    /// As the one who signs in sees it.
    fn shown(&self) -> AuthorizedClient {
        AuthorizedClient {
            client_id: self.client.client_id.clone(),
            authorization_endpoint: self.client.authorization_endpoint.clone(),
            token_endpoint: self.client.token_endpoint.to_string(),
            no_pkce: Some(!self.pkce),
            scopes: (!self.scopes.is_empty()).then(|| self.scopes.iter().map(ToString::to_string).collect()),
        }
    }
}

/// The redirect URI that the exchange has to name: that of the request, or another if the request left
/// it to the participant, or its port (RFC 8252, section 7.3).
fn used(asked: Option<String>, used: Option<String>) -> Result<Option<String>, CallError> {
    let Some(used) = used else { return Ok(asked) };
    let Some(asked) = asked else { return Ok(Some(used)) };
    let without_port = |text: &str| {
        let mut url = Url::parse(text)
            .ok()
            .filter(|url| url.scheme() == "http" && is_loopback(url))?;
        url.set_port(None).ok()?;
        Some(url)
    };
    if asked == used || without_port(&asked).is_some_and(|url| Some(url) == without_port(&used)) {
        Ok(Some(used))
    } else {
        Err(failed(
            "the participant signed in with another redirect URI than it was asked to",
        ))
    }
}

fn answer(token: SensitiveText) -> Result<Content, CallError> {
    let access_token = SerializableText(token);
    Ok(Content::json(&AccessToken { access_token })?)
}

/// Printable ASCII (RFC 6749, appendix A).
fn text(member: &str, text: String) -> Result<String, CallError> {
    let fits =
        (1..=MAX_TEXT_BYTES).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if fits {
        Ok(text)
    } else {
        Err(bad(format!(
            "`{member}` is not usable: it is 1 to {MAX_TEXT_BYTES} printable ASCII characters"
        )))
    }
}

/// A URI to the letter; an empty one counts as none.
fn uri(member: &str, text: Option<String>) -> Result<Option<String>, CallError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    if text.len() > MAX_URL_BYTES
        || !text.bytes().all(|byte| byte.is_ascii_graphic())
        || Url::parse(&text).is_err()
    {
        return Err(bad(format!(
            "`{member}` is not a URI of at most {MAX_URL_BYTES} bytes"
        )));
    }
    Ok(Some(text))
}

fn endpoint(member: &str, text: String) -> Result<HttpEndpoint, CallError> {
    HttpEndpoint::parse(text).map_err(|error| bad(format!("`{member}` is not usable: {error}")))
}

fn bad(text: impl Into<String>) -> CallError {
    CallError::new(ErrorCode::InvalidRequest, text)
}

fn failed(text: &str) -> CallError {
    CallError::new(ErrorCode::OperationFailed, text)
}

impl From<TokenEndpointError> for CallError {
    fn from(error: TokenEndpointError) -> Self {
        let code = match error {
            TokenEndpointError::NotAnEndpoint
            | TokenEndpointError::NotEncrypted
            | TokenEndpointError::NotPublic => ErrorCode::InvalidRequest,
            _ => ErrorCode::OperationFailed,
        };
        Self::new(code, error.to_string())
    }
}

impl From<CredentialError> for CallError {
    fn from(error: CredentialError) -> Self {
        match error {
            CredentialError::Endpoint(error) => error.into(),
            CredentialError::Store(error) => error.into(),
            CredentialError::Lost | CredentialError::Stopping => failed(&error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_participant_chooses_no_more_than_it_was_left() {
        let used = |asked: Option<&str>, by_participant: Option<&str>| {
            used(asked.map(Into::into), by_participant.map(Into::into)).ok()
        };
        let uri = |text: &str| Some(Some(text.to_owned()));
        assert_eq!(used(None, None), Some(None));
        assert_eq!(used(Some("app:/cb"), None), uri("app:/cb"));
        assert_eq!(
            used(None, Some("http://127.0.0.1:9/")),
            uri("http://127.0.0.1:9/")
        );
        assert_eq!(
            used(Some("https://a/cb"), Some("https://a/cb")),
            uri("https://a/cb")
        );
        assert_eq!(
            used(Some("http://127.0.0.1/cb"), Some("http://127.0.0.1:9/cb")),
            uri("http://127.0.0.1:9/cb")
        );
        for (asked, other) in [
            ("https://a/cb", "https://a:444/cb"),
            ("https://a/cb", "https://b/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:9/other"),
            ("http://127.0.0.1/cb", "http://10.0.0.1/cb"),
            ("http://a/cb", "http://a:9/cb"),
        ] {
            assert_eq!(used(Some(asked), Some(other)), None, "{asked} {other}");
        }
    }
}
