//! What another participant asks to sign in for, as rules match it and as it is shown.

use url::Url;

use super::request::{Line, shown};
use crate::cli::sign_in::{Unfit, Wanted};
use crate::net::authority;
use crate::token::is_same_provider;
use crate::wire::secrets::request::AuthorizedClient;
use crate::wire::{EndpointError, HttpEndpoint, is_loopback};

/// What is asked of an OAuth provider.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct OAuthAsked {
    pub(super) client: AuthorizedClient,
    pub(super) challenge: Option<String>,
    pub(super) redirect_uri: Option<String>,
}

impl OAuthAsked {
    /// What it is to sign in for.
    pub(super) fn wanted(&self) -> Result<Wanted, Unfit> {
        Wanted::read(
            &self.client,
            self.challenge.as_deref(),
            self.redirect_uri.as_deref(),
        )
    }

    /// Lines that tell a person what it is to sign in for.
    pub(super) fn describe(&self) -> Vec<Line> {
        let client = &self.client;
        let endpoints = [&client.authorization_endpoint, &client.token_endpoint];
        let [sign_in, tokens] = endpoints.map(|endpoint| HttpEndpoint::parse(endpoint.as_str()));
        let is_elsewhere = match (&sign_in, &tokens) {
            // Another scheme or port at the same host is told by itself.
            (Ok(sign_in), Ok(tokens)) => {
                sign_in.host() != tokens.host() && !is_same_provider(sign_in, tokens)
            }
            _ => true,
        };
        let scopes = client.scopes.as_deref().unwrap_or_default();
        let scopes = if scopes.is_empty() {
            "what the provider gives by default".to_owned()
        } else {
            shown(&scopes.join(" "))
        };
        let mut lines = vec![
            Line::plain("client", shown(&client.client_id)),
            describe_endpoint("sign-in", &sign_in, &client.authorization_endpoint, false),
            describe_endpoint("tokens", &tokens, &client.token_endpoint, is_elsewhere),
            Line::plain("scopes", scopes),
        ];
        if let Ok(endpoint) = &sign_in
            && let Some(query) = endpoint.url().query()
        {
            // It may ask for more than the scopes say.
            lines.push(Line::careful("query", shown(query)));
        }
        let elsewhere = self
            .redirect_uri
            .as_deref()
            .filter(|text| !text.is_empty() && !Url::parse(text).is_ok_and(|url| is_loopback(&url)));
        if let Some(uri) = elsewhere {
            lines.push(Line::careful("back to", shown(uri)));
        }
        if self.challenge.is_none() {
            lines.push(Line::careful(
                "note",
                "PKCE is left out: whoever gets hold of the code may use it".to_owned(),
            ));
        }
        lines
    }
}

/// The host of an endpoint, with its port unless that is the default one, and what deserves care about it.
fn describe_endpoint(
    label: &'static str,
    endpoint: &Result<HttpEndpoint, EndpointError>,
    text: &str,
    is_elsewhere: bool,
) -> Line {
    let endpoint = match endpoint {
        Ok(endpoint) => endpoint,
        Err(error) => return Line::careful(label, format!("{} ({error})", shown(text))),
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
        Line::plain(label, host)
    } else {
        Line::careful(label, format!("{host} ({})", cares.join(", ")))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A client that somebody is to sign in for.
    pub(in crate::cli::provide) fn oauth(client_id: &str, authorization: &str, token: &str) -> OAuthAsked {
        OAuthAsked {
            client: AuthorizedClient {
                client_id: client_id.to_owned(),
                authorization_endpoint: authorization.to_owned(),
                token_endpoint: token.to_owned(),
                ..AuthorizedClient::default()
            },
            ..OAuthAsked::default()
        }
    }

    /// The lines, and a `!` before those that deserve care.
    fn lines(asked: &OAuthAsked) -> Vec<String> {
        let mark = |line: Line| {
            let mark = if line.needs_care { "!" } else { "" };
            format!("{mark}{}: {}", line.label, line.text)
        };
        asked.describe().into_iter().map(mark).collect()
    }

    #[test]
    fn a_usual_sign_in_needs_no_care() {
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
        assert_eq!(
            lines(&unusual),
            [
                "client: c\\u{1b}",
                "!sign-in: idp.example (not encrypted)",
                "!tokens: evil.test:9 (another host than the sign-in, not the usual port)",
                "scopes: what the provider gives by default",
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
