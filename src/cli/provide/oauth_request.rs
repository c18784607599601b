//! A request to sign in at an OAuth provider, as rules match it and as it is shown.

use url::Url;

use super::facts::Fact;
use super::request::shown;
use crate::cli::sign_in::{AuthorizationParameters, ParametersError};
use crate::net::authority;
use crate::token::is_same_provider;
use crate::wire::secrets::request::AuthorizedClient;
use crate::wire::{EndpointError, HttpEndpoint, is_loopback};

/// A request to sign in at an OAuth provider.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct OAuthRequest {
    pub(super) client: AuthorizedClient,
    pub(super) challenge: Option<String>,
    pub(super) redirect_uri: Option<String>,
}

impl OAuthRequest {
    /// The parameters of the sign-in.
    pub(super) fn parameters(&self) -> Result<AuthorizationParameters, ParametersError> {
        AuthorizationParameters::read(
            &self.client,
            self.challenge.as_deref(),
            self.redirect_uri.as_deref(),
        )
    }

    /// What a person is shown of it.
    pub(super) fn facts(&self) -> Vec<Fact> {
        let client = &self.client;
        let endpoints = [&client.authorization_endpoint, &client.token_endpoint];
        let [sign_in, tokens] = endpoints.map(|endpoint| HttpEndpoint::parse(endpoint.as_str()));
        let is_elsewhere = match (&sign_in, &tokens) {
            // Another scheme or port at the same host has its own mark.
            (Ok(sign_in), Ok(tokens)) => {
                sign_in.host() != tokens.host() && !is_same_provider(sign_in, tokens)
            }
            _ => true,
        };
        let scopes = client.scopes.as_deref().unwrap_or_default();
        let text = if scopes.is_empty() {
            "what the provider gives by default".to_owned()
        } else {
            shown(&scopes.join(" "))
        };
        let scopes = Fact::new("scopes", text).marked_if(scopes.iter().any(|scope| is_wide(scope)));
        let mut facts = vec![
            Fact::new("client", shown(&client.client_id)),
            describe_endpoint("sign-in", &sign_in, &client.authorization_endpoint, false),
            describe_endpoint("tokens", &tokens, &client.token_endpoint, is_elsewhere),
            scopes,
        ];
        if let Ok(endpoint) = &sign_in
            && let Some(query) = endpoint.url().query()
        {
            // It may ask for more than the scopes say.
            facts.push(Fact::new("query", shown(query)).marked_if(true));
        }
        let elsewhere = self
            .redirect_uri
            .as_deref()
            .filter(|text| !text.is_empty() && !Url::parse(text).is_ok_and(|url| is_loopback(&url)));
        if let Some(uri) = elsewhere {
            facts.push(Fact::new("back to", shown(uri)).marked_if(true));
        }
        if self.challenge.is_none() {
            let note = "PKCE is left out: whoever gets hold of the code may use it";
            facts.push(Fact::new("note", note).marked_if(true));
        }
        facts
    }
}

/// The host of an endpoint, with its port unless that is the default one, and what deserves care about it.
fn describe_endpoint(
    label: &'static str,
    endpoint: &Result<HttpEndpoint, EndpointError>,
    text: &str,
    is_elsewhere: bool,
) -> Fact {
    let endpoint = match endpoint {
        Ok(endpoint) => endpoint,
        Err(error) => return Fact::new(label, format!("{} ({error})", shown(text))).marked_if(true),
    };
    let url = endpoint.url();
    let mut cares = Vec::new();
    if is_elsewhere {
        cares.push("another host than the sign-in");
    }
    if url.port().is_some() {
        cares.push("not the usual port");
    }
    if url.scheme() == "http" {
        cares.push("not encrypted");
    }
    let host = shown(&authority(url));
    if cares.is_empty() {
        Fact::new(label, host)
    } else {
        Fact::new(label, format!("{host} ({})", cares.join(", "))).marked_if(true)
    }
}

/// Whether a scope says that it allows more than to read one thing. Scopes are the provider's own words, so this
/// knows some that many use, and is no judge of others.
fn is_wide(scope: &str) -> bool {
    const WIDE: [&str; 12] = [
        "admin", "all", "delete", "full", "manage", "modify", "owner", "platform", "repo", "root", "sudo",
        "write",
    ];
    let scope = scope.to_ascii_lowercase();
    let mut words = scope.split(|character: char| !character.is_ascii_alphanumeric());
    scope.contains('*') || words.any(|word| WIDE.contains(&word))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A request to sign in for a client.
    pub(in crate::cli::provide) fn oauth(client_id: &str, authorization: &str, token: &str) -> OAuthRequest {
        OAuthRequest {
            client: AuthorizedClient {
                client_id: client_id.to_owned(),
                authorization_endpoint: authorization.to_owned(),
                token_endpoint: token.to_owned(),
                ..AuthorizedClient::default()
            },
            ..OAuthRequest::default()
        }
    }

    /// The lines, and a `!` before those that are marked.
    fn lines(received: &OAuthRequest) -> Vec<String> {
        let mark = |line: Fact| {
            let mark = if line.is_marked { "!" } else { "" };
            format!("{mark}{}: {}", line.label, line.text)
        };
        received.facts().into_iter().map(mark).collect()
    }

    #[test]
    fn wide_scopes() {
        for scope in [
            "repo",
            "admin:org",
            "delete_repo",
            "https://www.googleapis.com/auth/cloud-platform",
            "Files.ReadWrite.All",
            "api.*",
        ] {
            assert!(is_wide(scope), "{scope}");
        }
        for scope in [
            "openid",
            "email",
            "read:user",
            "drive.readonly",
            "reposting",
            "calls",
        ] {
            assert!(!is_wide(scope), "{scope}");
        }
    }

    #[test]
    fn a_usual_sign_in_has_no_mark() {
        for (authorization, token, hosts) in [
            (
                "https://idp.example/a",
                "https://idp.example:443/t",
                ["idp.example", "idp.example"],
            ),
            (
                "https://accounts.google.com/o",
                "https://oauth2.googleapis.com/token",
                ["accounts.google.com", "oauth2.googleapis.com"],
            ),
        ] {
            let mut usual = oauth("c", authorization, token);
            usual.challenge = Some("c".to_owned());
            usual.redirect_uri = Some("http://127.0.0.1:7/cb".to_owned());
            let [sign_in, tokens] = hosts;
            assert_eq!(
                lines(&usual),
                [
                    "client: c".to_owned(),
                    format!("sign-in: {sign_in}"),
                    format!("tokens: {tokens}"),
                    "scopes: what the provider gives by default".to_owned(),
                ]
            );
        }
    }

    #[test]
    fn what_is_unusual_about_a_sign_in_is_said_and_marked() {
        let mut unusual = oauth(
            "c\x1b",
            "http://idp.example/a?user_scope=admin",
            "https://evil.test:9/t",
        );
        unusual.redirect_uri = Some("https://app.example/cb".to_owned());
        unusual.client.scopes = Some(vec!["user:read".to_owned(), "admin:org".to_owned()]);
        assert_eq!(
            lines(&unusual),
            [
                "client: c\\u{1b}",
                "!sign-in: idp.example (not encrypted)",
                "!tokens: evil.test:9 (another host than the sign-in, not the usual port)",
                "!scopes: user:read admin:org",
                "!query: user_scope=admin",
                "!back to: https://app.example/cb",
                "!note: PKCE is left out: whoever gets hold of the code may use it",
            ]
        );
        let unusual = oauth("c", "javascript:x", "https://a.example@evil.test/");
        let lines = lines(&unusual);
        assert!(
            lines[1].starts_with("!sign-in: javascript:x (it is not"),
            "{lines:?}"
        );
        assert!(
            lines[2].starts_with("!tokens: https://a.example@evil.test/ (it has"),
            "{lines:?}"
        );
    }
}
