//! The parameters of a sign-in.

use crate::oauth::{OAuthScope, PkceChallenge, RedirectUri, RedirectUriError, ScopeError};
use crate::wire::secrets::request::AuthorizedClient;
use crate::wire::{EndpointError, HttpEndpoint};

/// What the provider is asked for, and where the browser comes back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct AuthorizationParameters {
    /// Where the browser is sent.
    pub(in crate::cli) endpoint: HttpEndpoint,
    pub(in crate::cli) client_id: String,
    pub(in crate::cli) scopes: Vec<OAuthScope>,
    /// None only where the request turned PKCE off.
    pub(in crate::cli) challenge: Option<PkceChallenge>,
    /// Where the browser comes back to; a free port on this machine if there is none.
    pub(in crate::cli) redirect_uri: Option<RedirectUri>,
}

/// Parameters that no sign-in can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::cli) enum ParametersError {
    #[error("it names no client and no page to sign in at")]
    NoClient,
    #[error("its authorization endpoint cannot be used: {0}")]
    Endpoint(#[from] EndpointError),
    #[error("it has no usable PKCE challenge")]
    Challenge,
    #[error(transparent)]
    Scope(#[from] ScopeError),
    #[error(transparent)]
    RedirectUri(#[from] RedirectUriError),
}

impl AuthorizationParameters {
    /// Reads what another participant asks. PKCE is left out only where it says so.
    pub(in crate::cli) fn read(
        client: &AuthorizedClient,
        challenge: Option<&str>,
        redirect_uri: Option<&str>,
    ) -> Result<Self, ParametersError> {
        if client.client_id.is_empty() || client.authorization_endpoint.is_empty() {
            return Err(ParametersError::NoClient);
        }
        let endpoint = HttpEndpoint::parse(client.authorization_endpoint.as_str())?;
        let challenge = match challenge {
            Some(text) => Some(PkceChallenge::parse(text).ok_or(ParametersError::Challenge)?),
            None if client.no_pkce == Some(true) => None,
            None => return Err(ParametersError::Challenge),
        };
        let scopes = client.scopes.iter().flatten();
        let scopes: Result<_, _> = scopes.map(|scope| OAuthScope::new(scope.as_str())).collect();
        let redirect_uri = redirect_uri.filter(|text| !text.is_empty());
        Ok(Self {
            endpoint,
            client_id: client.client_id.clone(),
            scopes: scopes?,
            challenge,
            redirect_uri: redirect_uri.map(RedirectUri::parse).transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn client() -> AuthorizedClient {
        AuthorizedClient {
            client_id: "c".to_owned(),
            authorization_endpoint: "https://idp.example/authorize".to_owned(),
            token_endpoint: "https://idp.example/token".to_owned(),
            no_pkce: Some(false),
            scopes: Some(vec!["a".to_owned(), "b".to_owned()]),
        }
    }

    #[test]
    fn what_can_be_signed_in_for() {
        let parameters = AuthorizationParameters::read(&client(), Some(CHALLENGE), Some("")).unwrap();
        assert_eq!(OAuthScope::write_list(&parameters.scopes), "a b");
        assert!(parameters.challenge.is_some() && parameters.redirect_uri.is_none());
        let mut plain = client();
        plain.no_pkce = Some(true);
        plain.scopes = None;
        let parameters = AuthorizationParameters::read(&plain, None, Some("http://127.0.0.1/cb")).unwrap();
        assert!(parameters.challenge.is_none() && parameters.redirect_uri.is_some());
    }

    #[test]
    fn what_cannot() {
        let read = |change: fn(&mut AuthorizedClient), challenge, redirect_uri| {
            let mut client = client();
            change(&mut client);
            AuthorizationParameters::read(&client, challenge, redirect_uri).unwrap_err()
        };
        let good = Some(CHALLENGE);
        // A connector of another server.
        assert_eq!(
            read(|client| *client = AuthorizedClient::default(), good, None),
            ParametersError::NoClient
        );
        let script = |client: &mut AuthorizedClient| {
            "javascript:alert(1)".clone_into(&mut client.authorization_endpoint);
        };
        assert_eq!(
            read(script, good, None),
            ParametersError::Endpoint(EndpointError::NotHttp)
        );
        let other_host = |client: &mut AuthorizedClient| {
            "https://good.example@bad.example".clone_into(&mut client.authorization_endpoint);
        };
        assert_eq!(
            read(other_host, good, None),
            ParametersError::Endpoint(EndpointError::UserInfo)
        );
        assert_eq!(read(|_| {}, None, None), ParametersError::Challenge);
        assert_eq!(
            read(|client| client.no_pkce = None, None, None),
            ParametersError::Challenge
        );
        assert_eq!(read(|_| {}, Some("x"), None), ParametersError::Challenge);
        let scope = |client: &mut AuthorizedClient| client.scopes = Some(vec!["a b".to_owned()]);
        assert_eq!(
            read(scope, good, None),
            ParametersError::Scope(ScopeError::BadCharacter)
        );
        let fragment = ParametersError::RedirectUri(RedirectUriError::Fragment);
        assert_eq!(read(|_| {}, good, Some("http://h/#a")), fragment);
    }
}
