//! The OAuth clients that a `secrets` grant allows (protocol, "OAuth").

use serde::{Deserialize, Serialize};
use url::Position;

use super::provider_hosts::is_same_provider;
use crate::wire::{EndpointError, HttpEndpoint};

/// An OAuth client at its endpoints.
///
/// An endpoint of a grant is compared as text. One with a `*` at its end allows all endpoints of the same scheme, host
/// and port whose path starts as its own does: the `*` never stands for a part of the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OAuthEndpointGrant {
    /// The authorization endpoint.
    pub endpoint: String,
    /// The client id.
    #[serde(alias = "clientId")]
    pub client_id: String,
    /// The token endpoint, which gets the code and the client's secret. Without it, the token endpoint is at the scheme,
    /// host and port of the authorization endpoint, or at the host that its provider is known to have for it.
    #[serde(default, alias = "tokenEndpoint", skip_serializing_if = "Option::is_none")]
    pub token_endpoint: Option<String>,
}

/// An endpoint of a grant that no request could match.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the `{member}` of a grant's OAuth client is not usable: {error}")]
pub struct EndpointGrantError {
    member: &'static str,
    error: EndpointError,
}

impl OAuthEndpointGrant {
    /// Whether a token of this client at these endpoints may be requested.
    pub fn allows(&self, client_id: &str, authorization_endpoint: &str, token_endpoint: &str) -> bool {
        self.client_id == client_id
            && matches(&self.endpoint, authorization_endpoint)
            && match &self.token_endpoint {
                Some(pattern) => matches(pattern, token_endpoint),
                None => belongs_to(token_endpoint, authorization_endpoint),
            }
    }

    /// Checks that the endpoints can match a request.
    ///
    /// # Errors
    /// [`EndpointGrantError`] names the member and what is wrong with it.
    pub fn check(&self) -> Result<(), EndpointGrantError> {
        let members = [
            ("endpoint", Some(&self.endpoint)),
            ("token_endpoint", self.token_endpoint.as_ref()),
        ];
        for (member, pattern) in members {
            if let Some(pattern) = pattern {
                let start = pattern.strip_suffix('*').unwrap_or(pattern);
                HttpEndpoint::parse(start).map_err(|error| EndpointGrantError { member, error })?;
            }
        }
        Ok(())
    }
}

fn matches(pattern: &str, endpoint: &str) -> bool {
    pattern == endpoint
        || pattern
            .strip_suffix('*')
            .is_some_and(|start| starts_alike(start, endpoint))
}

/// Whether an endpoint has the scheme, host and port of `start`, and a path and query that start with those of `start`.
fn starts_alike(start: &str, endpoint: &str) -> bool {
    let (Ok(base), Ok(endpoint)) = (HttpEndpoint::parse(start), HttpEndpoint::parse(endpoint)) else {
        return false;
    };
    let path = &base.url()[Position::BeforePath..];
    // A start such as `/a/.` would be read as `/a/`, which allows more than it says.
    let is_read_as_written = start.ends_with(path) || start.matches('/').count() == 2;
    is_read_as_written
        && base.url().origin() == endpoint.url().origin()
        && endpoint.url()[Position::BeforePath..].starts_with(path)
}

fn belongs_to(token_endpoint: &str, authorization_endpoint: &str) -> bool {
    match (
        HttpEndpoint::parse(authorization_endpoint),
        HttpEndpoint::parse(token_endpoint),
    ) {
        (Ok(authorization), Ok(token)) => is_same_provider(&authorization, &token),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::*;

    fn entry(endpoint: &str, token_endpoint: Option<&str>) -> OAuthEndpointGrant {
        OAuthEndpointGrant {
            endpoint: endpoint.to_owned(),
            client_id: "c".to_owned(),
            token_endpoint: token_endpoint.map(str::to_owned),
        }
    }

    #[test]
    fn a_star_stands_for_the_rest_of_a_path() {
        for (pattern, endpoint) in [
            ("https://p/a", "https://p/a"),
            ("https://q/*", "https://q/x"),
            ("https://q/*", "https://q"),
            ("https://q/a*", "https://q/ab?c=d"),
            ("https://q/a?b=*", "https://q/a?b=c"),
            (
                "https://accounts.google.com*",
                "https://accounts.google.com/o/oauth2/v2/auth",
            ),
            (
                "https://accounts.google.com*",
                "https://accounts.google.com:443/o",
            ),
            ("https://q:8443/*", "https://q:8443/x"),
        ] {
            assert!(matches(pattern, endpoint), "{pattern} {endpoint}");
        }
        for (pattern, endpoint) in [
            ("https://p/a", "https://p/ab"),
            ("https://p/a", "https://p/"),
            (
                "https://accounts.google.com*",
                "https://accounts.google.com.evil.example/",
            ),
            (
                "https://accounts.google.com*",
                "https://accounts.google.com@evil.example/",
            ),
            (
                "https://accounts.google.com*",
                "https://accounts.google.com:p@evil.example/",
            ),
            (
                "https://accounts.google.com*",
                "https://accounts.google.com:8443/",
            ),
            ("https://accounts.google.com*", "http://accounts.google.com/"),
            ("https://accounts.goo*", "https://accounts.google.com/"),
            ("https://accounts.google.com:4*", "https://accounts.google.com/"),
            ("https://q/a/*", "https://q/a/../b"),
            ("https://q/a/*", "https://q/a/%2e%2e/b"),
            ("https://q/a/.*", "https://q/a/b"),
            ("https://q/a/..*", "https://q/b"),
            ("https://q/.*", "https://q/b"),
            ("https://*", "https://q/"),
            ("*", "https://q/"),
            ("javascript:*", "javascript:x"),
        ] {
            assert!(!matches(pattern, endpoint), "{pattern} {endpoint}");
        }
    }

    #[test]
    fn the_token_endpoint_is_the_grants_or_of_the_same_provider() {
        const AUTHORIZE: &str = "https://idp.example/authorize";
        let plain = entry("https://idp.example/*", None);
        assert!(plain.allows("c", AUTHORIZE, "https://idp.example/token"));
        assert!(!plain.allows("c", AUTHORIZE, "https://evil.example/token"));
        assert!(!plain.allows("c", AUTHORIZE, "https://idp.example@evil.example/"));
        assert!(!plain.allows("d", AUTHORIZE, "https://idp.example/token"));
        let named = entry(AUTHORIZE, Some("https://tokens.example/t/*"));
        assert!(named.allows("c", AUTHORIZE, "https://tokens.example/t/1"));
        assert!(!named.allows("c", AUTHORIZE, "https://tokens.example/u"));
        assert!(!named.allows("c", AUTHORIZE, "https://idp.example/token"));
        let google = entry("https://accounts.google.com/*", None);
        let authorize = "https://accounts.google.com/o/oauth2/v2/auth";
        assert!(google.allows("c", authorize, "https://oauth2.googleapis.com/token"));
        assert!(!google.allows("c", authorize, "https://graph.facebook.com/token"));
    }

    #[test]
    fn an_endpoint_that_nothing_matches_is_told() {
        for (endpoint, token_endpoint, says) in [
            ("*", None, "`endpoint`"),
            ("https://*", None, "`endpoint`"),
            ("https://a@b/*", None, "user name"),
            ("https://b/*", Some("b"), "`token_endpoint`"),
        ] {
            let error = entry(endpoint, token_endpoint).check().unwrap_err().to_string();
            assert!(error.contains(says), "{endpoint}: {error}");
        }
        assert_eq!(entry("https://b*", Some("https://b/t")).check(), Ok(()));
    }

    proptest! {
        /// Whatever follows a host in a pattern or a request, the host that is called is the pattern's.
        #[test]
        fn a_star_never_reaches_the_host(rest in "[.:@/?#\\\\a-c0-9%]{0,12}") {
            for pattern in ["https://idp.example*", "https://idp.example/*"] {
                let endpoint = format!("https://idp.example{rest}");
                if matches(pattern, &endpoint) {
                    let url = Url::parse(&endpoint).unwrap();
                    prop_assert_eq!(url.host_str(), Some("idp.example"));
                    prop_assert_eq!(url.port_or_known_default(), Some(443));
                    prop_assert!(url.username().is_empty() && url.password().is_none());
                }
            }
        }
    }
}
