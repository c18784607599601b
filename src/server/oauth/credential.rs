//! The tokens that a provider gave for a client, as the store keeps them: a secret of its own kind.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::json;
use subtle::ConstantTimeEq;
use url::Url;

use super::client::ClientAtProvider;
use crate::oauth::OAuthScope;
use crate::oauth::token_endpoint::{OAuthClient, TokenResponse};
use crate::sensitive::{SecretValue, SensitiveText, SerializableText};

/// How long before it expires a token is no longer given out, in seconds, so that the caller has time to use it.
const EXPIRY_MARGIN: u64 = 60;

/// How far the clock may be set back, in seconds, before the age of a token counts as unknown.
const CLOCK_LEEWAY: u64 = 60;

/// How long a token counts as valid that can be refreshed and for which the provider names no lifetime, in seconds.
const ASSUMED_LIFETIME: u64 = 60 * 60;

/// Scopes of `OpenID` Connect. Providers grant them, and leave them out of the list of granted scopes or write them
/// in another way.
const IDENTITY_SCOPES: [&str; 6] = ["openid", "profile", "email", "address", "phone", "offline_access"];

/// The tokens of a client, with all that is needed to refresh them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::server) struct Credential {
    client_id: String,
    client_secret: Option<SerializableText>,
    authorization_endpoint: String,
    token_endpoint: String,
    access_token: SerializableText,
    refresh_token: Option<SerializableText>,
    /// The scopes that it covers, as far as the provider tells.
    scopes: BTreeSet<OAuthScope>,
    /// When the access token came, in Unix seconds.
    issued_at: u64,
    /// When it expires, in Unix seconds, if the provider tells.
    expires_at: Option<u64>,
}

impl Credential {
    /// The credential from what the provider answered at `now` to a request for the scopes `asked`.
    pub(super) fn new(
        of: &ClientAtProvider,
        client_secret: Option<SensitiveText>,
        asked: &[OAuthScope],
        answer: TokenResponse,
        now: u64,
    ) -> Self {
        let mut credential = Self {
            client_id: of.client_id.clone(),
            client_secret: client_secret.map(SerializableText),
            authorization_endpoint: of.authorization_endpoint.clone(),
            token_endpoint: of.token_endpoint.to_string(),
            access_token: SerializableText(SensitiveText::default()),
            refresh_token: None,
            scopes: asked.iter().cloned().collect(),
            issued_at: now,
            expires_at: None,
        };
        credential.take(answer, now);
        credential
    }

    /// Takes over a new access token. The refresh token stays if the answer has no other.
    pub(super) fn take(&mut self, answer: TokenResponse, now: u64) {
        self.access_token = SerializableText(answer.access_token);
        if let Some(refresh_token) = answer.refresh_token {
            self.refresh_token = Some(SerializableText(refresh_token));
        }
        if let Some(granted) = answer.scopes {
            self.scopes
                .retain(|scope| IDENTITY_SCOPES.contains(&scope.as_str()));
            self.scopes.extend(granted);
        }
        self.issued_at = now;
        self.expires_at = answer.expires_at;
    }

    pub(super) fn is_of(&self, client: &ClientAtProvider) -> bool {
        self.client_id == client.client_id
            && self.authorization_endpoint == client.authorization_endpoint
            && self.token_endpoint == client.token_endpoint.as_str()
    }

    /// Whether it covers all these scopes.
    pub(super) fn covers<'a>(&self, asked: impl IntoIterator<Item = &'a OAuthScope>) -> bool {
        asked.into_iter().all(|scope| self.scopes.contains(scope))
    }

    /// Whether the access token may still be given out at `now`. If the clock stands before the time of issue, it is
    /// wrong now or was wrong then, and the token may be old.
    pub(super) fn is_valid(&self, now: u64) -> bool {
        let until = match (self.expires_at, &self.refresh_token) {
            (Some(end), _) => end.saturating_sub(EXPIRY_MARGIN),
            (None, Some(_)) => self.issued_at.saturating_add(ASSUMED_LIFETIME),
            (None, None) => return true,
        };
        now < until && now.saturating_add(CLOCK_LEEWAY) >= self.issued_at
    }

    pub(super) const fn access_token(&self) -> &SensitiveText {
        &self.access_token.0
    }

    pub(super) const fn refresh_token(&self) -> Option<&SensitiveText> {
        match &self.refresh_token {
            Some(token) => Some(&token.0),
            None => None,
        }
    }

    /// Removes the refresh token, which the provider no longer accepts.
    pub(super) fn forget_refresh_token(&mut self) {
        self.refresh_token = None;
    }

    /// The endpoint that refreshes it. None if the stored text is not a URL, which it was when it was stored.
    pub(super) fn token_endpoint(&self) -> Option<Url> {
        Url::parse(&self.token_endpoint).ok()
    }

    /// `secret`, unless it equals the stored one.
    pub(super) fn other_secret(&self, secret: Option<SensitiveText>) -> Option<SensitiveText> {
        let stored = self
            .client_secret
            .as_ref()
            .map(|stored| stored.0.expose().as_bytes());
        secret.filter(|secret| !stored.is_some_and(|stored| stored.ct_eq(secret.expose().as_bytes()).into()))
    }

    /// The client, with `secret` or else with the stored one.
    pub(super) fn client(&self, secret: Option<SensitiveText>) -> OAuthClient {
        OAuthClient {
            client_id: self.client_id.clone(),
            client_secret: secret.or_else(|| self.client_secret.as_ref().map(|secret| secret.0.clone())),
        }
    }

    /// Stores the secret of `client`.
    pub(super) fn keep_secret(&mut self, client: OAuthClient) {
        self.client_secret = client.client_secret.map(SerializableText);
    }

    /// Whether it covers all that `former` covers.
    pub(super) fn replaces(&self, former: &Self) -> bool {
        self.covers(&former.scopes)
    }

    /// The value that is stored. None if it cannot be serialized, which does not happen.
    pub(super) fn to_value(&self) -> Option<SecretValue> {
        serde_json::to_vec(self).ok().map(SecretValue::new)
    }

    /// Reads what [`Credential::to_value`] wrote.
    pub(in crate::server) fn open(value: &SecretValue) -> Option<Self> {
        serde_json::from_slice(value.expose()).ok()
    }

    /// A description for an identity that may see it: all but the tokens and the client's secret.
    pub(in crate::server) fn describe(&self) -> SecretValue {
        let described = json!({
            "client_id": self.client_id,
            "authorization_endpoint": self.authorization_endpoint,
            "token_endpoint": self.token_endpoint,
            "scopes": self.scopes,
            "issued_at": self.issued_at,
            "expires_at": self.expires_at,
            "can_be_refreshed": self.refresh_token.is_some(),
        });
        SecretValue::new(described.to_string().into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::super::client::tests::client;
    use super::*;

    fn answer(access_token: &str, refresh_token: Option<&str>, expires_at: Option<u64>) -> TokenResponse {
        TokenResponse {
            access_token: access_token.to_owned().into(),
            refresh_token: refresh_token.map(|token| token.to_owned().into()),
            id_token: None,
            expires_at,
            scopes: None,
        }
    }

    fn scopes(list: &str) -> Vec<OAuthScope> {
        OAuthScope::read_list(list)
    }

    fn credential(asked: &str, answer: TokenResponse) -> Credential {
        let secret = Some("canary-s".to_owned().into());
        Credential::new(&client(), secret, &scopes(asked), answer, 10_000)
    }

    #[test]
    fn a_token_is_given_out_until_a_minute_before_it_expires() {
        let credential = credential("", answer("a", None, Some(13_600)));
        for (now, valid) in [
            (10_000, true),
            (13_539, true),
            (13_540, false),
            (20_000, false),
            (9_940, true),
        ] {
            assert_eq!(credential.is_valid(now), valid, "{now}");
        }
        // The clock was set back: the age of the token is unknown.
        assert!(!credential.is_valid(9_939));
        assert!(!credential.is_valid(0));
    }

    #[test]
    fn a_token_without_a_lifetime_is_valid_for_an_hour_if_it_can_be_refreshed() {
        let forever = credential("", answer("a", None, None));
        assert!(forever.is_valid(u64::MAX) && forever.is_valid(0));
        let refreshed = credential("", answer("a", Some("r"), None));
        assert!(refreshed.is_valid(13_599) && !refreshed.is_valid(13_600));
    }

    #[test]
    fn a_refresh_token_stays_unless_the_answer_has_another() {
        let mut credential = credential("x", answer("a", Some("r"), None));
        credential.take(answer("b", None, Some(1)), 20_000);
        assert_eq!(credential.refresh_token().unwrap().expose(), "r");
        credential.take(answer("c", Some("s"), Some(1)), 20_000);
        assert_eq!(credential.refresh_token().unwrap().expose(), "s");
        assert_eq!(credential.access_token().expose(), "c");
        assert!(credential.covers(&scopes("x")));
    }

    #[test]
    fn the_granted_scopes_replace_the_requested_ones() {
        let granted = |list| TokenResponse {
            scopes: Some(scopes(list)),
            ..answer("a", None, None)
        };
        let narrower = credential("read write", granted("read"));
        assert!(narrower.covers(&scopes("read")) && narrower.covers(&[]));
        assert!(!narrower.covers(&scopes("write")));
        // Google writes `email` in another way, Entra leaves `offline_access` out.
        let renamed = credential("email offline_access x", granted("https://g.example/email x"));
        assert!(renamed.covers(&scopes("email offline_access x")));
        assert!(!renamed.covers(&scopes("profile")));
    }

    #[test]
    fn it_is_stored_completely_and_described_without_secrets() {
        let credential = credential("x", answer("canary-a", Some("canary-r"), Some(5)));
        let opened = Credential::open(&credential.to_value().unwrap()).unwrap();
        assert_eq!(opened.access_token().expose(), "canary-a");
        assert_eq!(opened.refresh_token().unwrap().expose(), "canary-r");
        assert_eq!(opened.client(None).client_secret.unwrap().expose(), "canary-s");
        assert!(opened.is_of(&client()));
        let shown = String::from_utf8(opened.describe().expose().clone()).unwrap();
        assert!(shown.contains("https://p.example/authorize"), "{shown}");
        assert!(
            !format!("{shown} {opened:?}").contains("canary"),
            "{shown} {opened:?}"
        );
    }
}
