//! The input of the OAuth tools: checks it, and turns it into the types that the server works with.

use url::Url;

use super::CallError;
use crate::oauth::OAuthScope;
use crate::sensitive::SensitiveText;
use crate::server::oauth::ClientAtProvider;
use crate::server::participant::Participant;
use crate::wire::secrets::oauth::OAuthClientConfig;
use crate::wire::secrets::request::AuthorizedClient;
use crate::wire::{ErrorCode, Header, HttpEndpoint, MAX_URL_BYTES, is_loopback};

/// Longest client id, client secret and code, in bytes.
const MAX_TEXT_BYTES: usize = 8 << 10;

/// Most scopes of a request.
const MAX_SCOPES: usize = 256;

/// A client at its provider, and the access that a call asks for.
pub(super) struct OAuthInput {
    pub(super) client: ClientAtProvider,
    /// The client's secret, if it has one.
    pub(super) secret: Option<SensitiveText>,
    pub(super) scopes: Vec<OAuthScope>,
    /// Whether the authorization uses PKCE (RFC 7636).
    pub(super) pkce: bool,
}

impl OAuthInput {
    /// Reads the input of a call, and checks that the caller's grants and the server's rules allow it.
    pub(super) fn new(
        participant: &Participant,
        connector: Option<&Header>,
        oauth: Option<OAuthClientConfig>,
    ) -> Result<Self, CallError> {
        if connector.is_some() {
            return Err(CallError::new(
                ErrorCode::DependencyMissing,
                "this server has no connectors: give the client and its endpoints",
            ));
        }
        let oauth =
            oauth.ok_or_else(|| invalid_input("neither `oauth` nor a connector came with the call"))?;
        let grant = participant.caller.api.secrets.as_ref();
        let is_allowed = grant.is_some_and(|grant| {
            grant.allows_oauth(
                &oauth.client_id,
                &oauth.authorization_endpoint,
                &oauth.token_endpoint,
            )
        });
        if !is_allowed {
            return Err(CallError::new(
                ErrorCode::PermissionDenied,
                "the token's `secrets` grant does not list this client at these two endpoints",
            ));
        }
        let input = Self::read(oauth)?;
        let endpoints = &participant.state.credentials.endpoints;
        endpoints.check(&input.client.token_endpoint)?;
        Ok(input)
    }

    fn read(oauth: OAuthClientConfig) -> Result<Self, CallError> {
        let authorization_endpoint = uri("authorization_endpoint", Some(oauth.authorization_endpoint))?
            .ok_or_else(|| invalid_input("`authorization_endpoint` is missing"))?;
        let authorization_endpoint = endpoint("authorization_endpoint", authorization_endpoint)?;
        let token_endpoint = endpoint("token_endpoint", oauth.token_endpoint)?;
        let scopes = oauth.scopes.unwrap_or_default();
        if scopes.len() > MAX_SCOPES {
            return Err(invalid_input(format!(
                "`scopes` has more than {MAX_SCOPES} members"
            )));
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
            scopes: scopes.map_err(|error| invalid_input(format!("`scopes` is not usable: {error}")))?,
            pkce: oauth.no_pkce != Some(true),
        })
    }

    /// The client, as the participant that signs in sees it.
    pub(super) fn shown(&self) -> AuthorizedClient {
        AuthorizedClient {
            client_id: self.client.client_id.clone(),
            authorization_endpoint: self.client.authorization_endpoint.clone(),
            token_endpoint: self.client.token_endpoint.to_string(),
            no_pkce: Some(!self.pkce),
            scopes: (!self.scopes.is_empty()).then(|| self.scopes.iter().map(ToString::to_string).collect()),
        }
    }
}

/// The redirect URI that the code exchange has to name: that of the request. The participant may choose
/// another only where the request names none, and another port for a loopback one (RFC 8252, section 7.3).
pub(super) fn used_redirect_uri(
    asked: Option<String>,
    used: Option<String>,
) -> Result<Option<String>, CallError> {
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
        Err(CallError::new(
            ErrorCode::OperationFailed,
            "the participant signed in with another redirect URI than it was asked to",
        ))
    }
}

/// Text of printable ASCII characters, as client ids, secrets and codes are (RFC 6749, appendix A).
pub(super) fn text(member: &str, text: String) -> Result<String, CallError> {
    let fits =
        (1..=MAX_TEXT_BYTES).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if fits {
        Ok(text)
    } else {
        Err(invalid_input(format!(
            "`{member}` is not usable: it is 1 to {MAX_TEXT_BYTES} printable ASCII characters"
        )))
    }
}

/// A URI, unchanged: providers compare it character by character. An empty one counts as none.
pub(super) fn uri(member: &str, text: Option<String>) -> Result<Option<String>, CallError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    if text.len() > MAX_URL_BYTES
        || !text.bytes().all(|byte| byte.is_ascii_graphic())
        || Url::parse(&text).is_err()
    {
        return Err(invalid_input(format!(
            "`{member}` is not a URI of at most {MAX_URL_BYTES} bytes"
        )));
    }
    Ok(Some(text))
}

fn endpoint(member: &str, text: String) -> Result<HttpEndpoint, CallError> {
    HttpEndpoint::parse(text).map_err(|error| invalid_input(format!("`{member}` is not usable: {error}")))
}

/// An error about an input that is not usable.
pub(super) fn invalid_input(text: impl Into<String>) -> CallError {
    CallError::new(ErrorCode::InvalidRequest, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_participant_may_choose_only_an_open_redirect_uri_or_a_loopback_port() {
        let used = |asked: Option<&str>, by_participant: Option<&str>| {
            used_redirect_uri(asked.map(Into::into), by_participant.map(Into::into)).ok()
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
