//! This program as an OAuth client of the API.

use crate::oauth::OAuthScope;
use crate::oauth::token_endpoint::OAuthClient;
use crate::settings::{Environment, SettingsError};

/// The redirect URI of sign-ins. It is registered at the API in this form, so port and path are fixed.
pub const CALLBACK: &str = "http://localhost:8765/callback";

/// The client id that is used by default.
const DEFAULT_CLIENT_ID: &str = "p8xy1ZUi73jJUJbNfTg92HUSDpCSZJcc";

/// The scopes that are requested by default.
const DEFAULT_SCOPES: &str = "profile project/* room/* create_users create_rooms llm_proxy admin developer \
                              connect_room delete_room update_room";

/// This program as an OAuth client of the API.
#[derive(Debug, Clone)]
pub struct LoginClient {
    /// Client id and secret.
    pub client: OAuthClient,
    /// The scopes that it requests.
    pub scopes: Vec<OAuthScope>,
}

impl LoginClient {
    /// Reads `MESHAGENT_OAUTH_CLIENT_ID`, `MESHAGENT_OAUTH_CLIENT_SECRET` and `MESHAGENT_OAUTH_SCOPES` (scopes with
    /// spaces between them). Without them the client is the vendor's, which has no secret.
    ///
    /// # Errors
    /// [`SettingsError::NotUtf8`].
    pub fn from_environment(env: &Environment) -> Result<Self, SettingsError> {
        let or = |name, default| Ok::<_, SettingsError>(env.text(name)?.unwrap_or(default).to_owned());
        let client_secret = env.text("MESHAGENT_OAUTH_CLIENT_SECRET")?;
        Ok(Self {
            client: OAuthClient {
                client_id: or("MESHAGENT_OAUTH_CLIENT_ID", DEFAULT_CLIENT_ID)?,
                client_secret: client_secret.map(|secret| secret.to_owned().into()),
            },
            scopes: OAuthScope::read_list(&or("MESHAGENT_OAUTH_SCOPES", DEFAULT_SCOPES)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_is_the_vendors_unless_the_environment_says_otherwise() {
        let client = LoginClient::from_environment(&Environment::from_pairs([])).unwrap();
        assert_eq!(client.client.client_id, DEFAULT_CLIENT_ID);
        assert!(client.client.client_secret.is_none());
        assert_eq!(OAuthScope::write_list(&client.scopes), DEFAULT_SCOPES);
        let env = Environment::from_pairs([
            ("MESHAGENT_OAUTH_CLIENT_ID", "c"),
            ("MESHAGENT_OAUTH_CLIENT_SECRET", "canary"),
            ("MESHAGENT_OAUTH_SCOPES", "a b"),
        ]);
        let client = LoginClient::from_environment(&env).unwrap();
        assert_eq!((client.client.client_id.as_str(), client.scopes.len()), ("c", 2));
        assert!(!format!("{client:?}").contains("canary"));
    }
}
