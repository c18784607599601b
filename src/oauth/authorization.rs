//! Authorization requests: the URL that the browser opens (RFC 6749, section 4.1.1; RFC 7636, section 4.3).

use url::form_urlencoded::{Serializer, parse};

use super::{CsrfState, OAuthScope, PkceChallenge, RedirectUri};
use crate::wire::HttpEndpoint;

/// An authorization request.
#[derive(Debug, Clone, Copy)]
pub struct AuthorizationRequest<'a> {
    /// The authorization endpoint. Its query is kept (RFC 6749, section 3.1).
    pub endpoint: &'a HttpEndpoint,
    /// The client's id at the provider.
    pub client_id: &'a str,
    /// Where the provider sends the browser with the code.
    pub redirect_uri: &'a RedirectUri,
    /// The scopes of the token. Empty means the provider's default.
    pub scopes: &'a [OAuthScope],
    /// The PKCE challenge; none for providers that do not support PKCE.
    pub challenge: Option<&'a PkceChallenge>,
    /// The state, which the callback must return.
    pub state: &'a CsrfState,
}

impl AuthorizationRequest<'_> {
    /// The URL for the browser. Parameters in the endpoint's query are kept, unless they are set here.
    pub fn url(&self) -> HttpEndpoint {
        let scope = OAuthScope::write_list(self.scopes);
        let mut parameters = vec![
            ("response_type", "code"),
            ("client_id", self.client_id),
            ("redirect_uri", self.redirect_uri.as_str()),
            ("state", self.state.text().expose()),
        ];
        if !scope.is_empty() {
            parameters.push(("scope", &scope));
        }
        if let Some(challenge) = self.challenge {
            parameters.push(("code_challenge", challenge.as_str()));
            parameters.push(("code_challenge_method", "S256"));
        }
        let is_set_here = |piece: &str| {
            let name = parse(piece.as_bytes()).next().map(|(name, _)| name);
            parameters.iter().any(|(set, _)| name.as_deref() == Some(*set))
        };
        let kept = self.endpoint.url().query().unwrap_or_default().split('&');
        let kept: Vec<&str> = kept
            .filter(|piece| !piece.is_empty() && !is_set_here(piece))
            .collect();
        let query = Serializer::new(kept.join("&")).extend_pairs(&parameters).finish();
        self.endpoint.with_query(&query)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use url::Url;

    use super::*;

    fn url_for(endpoint: &str, scopes: &[&str], pkce: bool) -> Url {
        let scopes = OAuthScope::read_list(&scopes.join(" "));
        let verifier = super::super::PkceVerifier::generate().unwrap();
        let challenge = verifier.challenge();
        AuthorizationRequest {
            endpoint: &HttpEndpoint::parse(endpoint).unwrap(),
            client_id: "a b&c",
            redirect_uri: &RedirectUri::parse("http://127.0.0.1:9/cb?x=1").unwrap(),
            scopes: &scopes,
            challenge: pkce.then_some(&challenge),
            state: &CsrfState::generate().unwrap(),
        }
        .url()
        .into_url()
    }

    #[test]
    fn all_that_is_asked() {
        let url = url_for("https://h/authorize", &["read", "room/*"], true);
        let pairs: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
        let value = |name: &str| pairs.get(name).map(String::as_str);
        assert_eq!(value("response_type"), Some("code"));
        assert_eq!(value("client_id"), Some("a b&c"));
        assert_eq!(value("redirect_uri"), Some("http://127.0.0.1:9/cb?x=1"));
        assert_eq!(value("scope"), Some("read room/*"));
        assert_eq!(value("code_challenge_method"), Some("S256"));
        assert_eq!(value("code_challenge").map(str::len), Some(43));
        assert_eq!(value("state").map(str::len), Some(43));
        assert_eq!(pairs.len(), 7);
    }

    #[test]
    fn what_is_not_asked_is_not_there() {
        let url = url_for("https://h/authorize", &[], false);
        let names: Vec<_> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
        assert_eq!(names, ["response_type", "client_id", "redirect_uri", "state"]);
    }

    #[test]
    fn the_query_of_the_endpoint_stays_but_for_what_is_set() {
        let url = url_for(
            "https://h/a?tenant=a%2Bb+c&&prompt=consent&client%5Fid=x&state=y",
            &[],
            true,
        );
        let query = url.query().unwrap();
        assert!(
            query.starts_with("tenant=a%2Bb+c&prompt=consent&response_type=code&"),
            "{query}"
        );
        for name in ["client_id", "state"] {
            assert_eq!(url.query_pairs().filter(|(n, _)| n == name).count(), 1, "{query}");
        }
        let url = url_for("https://h/a?scope=fixed", &[], true);
        assert!(url.query().unwrap().starts_with("scope=fixed&"));
    }
}
