//! What another participant asks to sign in for, as rules match it and as it is shown.

use url::Url;

use super::request::shown;
use crate::cli::sign_in::{Unfit, Wanted};
use crate::wire::secrets::request::AuthorizedClient;
use crate::wire::{HttpEndpoint, is_loopback};

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

    /// Lines that tell a person what it is to sign in for: a label and a text each.
    pub(super) fn describe(&self) -> Vec<(&'static str, String)> {
        let client = &self.client;
        let [sign_in, tokens] =
            [&client.authorization_endpoint, &client.token_endpoint].map(
                |endpoint| match HttpEndpoint::parse(endpoint.as_str()) {
                    Ok(endpoint) if endpoint.is_encrypted_or_loopback() => shown(endpoint.host()),
                    Ok(endpoint) => format!("{} (not encrypted)", shown(endpoint.host())),
                    Err(error) => format!("{} ({error})", shown(endpoint)),
                },
            );
        let scopes = client.scopes.as_deref().unwrap_or_default();
        let scopes = if scopes.is_empty() {
            "what the provider gives by default".to_owned()
        } else {
            shown(&scopes.join(" "))
        };
        let mut lines = vec![
            ("client", shown(&client.client_id)),
            ("sign-in", sign_in),
            ("tokens", tokens),
            ("scopes", scopes),
        ];
        let elsewhere = self
            .redirect_uri
            .as_deref()
            .filter(|text| !text.is_empty() && !Url::parse(text).is_ok_and(|url| is_loopback(&url)));
        if let Some(uri) = elsewhere {
            lines.push(("back to", shown(uri)));
        }
        if self.challenge.is_none() {
            lines.push((
                "note",
                "PKCE is left out: whoever gets hold of the code may use it".to_owned(),
            ));
        }
        lines
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

    #[test]
    fn what_is_unusual_about_a_sign_in_is_said() {
        let mut usual = oauth("c", "https://idp.example/a", "https://idp.example/t");
        usual.challenge = Some("c".to_owned());
        usual.redirect_uri = Some("http://127.0.0.1:7/cb".to_owned());
        let mut unusual = oauth("c\x1b", "http://idp.example/a", "http://127.0.0.1:9/t");
        unusual.redirect_uri = Some("https://app.example/cb".to_owned());
        let lines = |asked: &OAuthAsked| -> Vec<String> {
            let lines = asked.describe().into_iter();
            lines.map(|(label, text)| format!("{label}: {text}")).collect()
        };
        assert_eq!(
            lines(&usual),
            [
                "client: c",
                "sign-in: idp.example",
                "tokens: idp.example",
                "scopes: what the provider gives by default",
            ]
        );
        let unusual = lines(&unusual);
        assert_eq!(
            unusual[..3],
            [
                "client: c\\u{1b}",
                "sign-in: idp.example (not encrypted)",
                "tokens: 127.0.0.1"
            ]
        );
        assert_eq!(unusual[4], "back to: https://app.example/cb");
        assert!(unusual[5].starts_with("note: PKCE is left out"));
    }
}
