//! Inputs and answers of the toolkit's OAuth calls (protocol, "The `secrets` toolkit").

use serde::{Deserialize, Serialize};

use crate::sensitive::CarriedText;
use crate::wire::Header;

/// Type of the secret that a credential is; reading it gives a description without tokens.
pub const CREDENTIAL_TYPE: &str = "application/vnd.meshagent.oauth-credential+json";

/// An OAuth client and its provider's endpoints.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OAuthClientConfig {
    /// The client's id at the provider.
    pub client_id: String,
    /// Its secret; a public client has none.
    pub client_secret: Option<CarriedText>,
    /// Where a participant signs in.
    pub authorization_endpoint: String,
    /// Where the server exchanges codes and refreshes tokens.
    pub token_endpoint: String,
    /// True if the provider knows no PKCE.
    pub no_pkce: Option<bool>,
    /// What the token is to be good for; what the provider gives by default if there are none.
    pub scopes: Option<Vec<String>>,
}

/// Input of `request_oauth_token`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RequestOAuthToken {
    /// A connector that the server has configured, in the server's own terms.
    pub connector: Option<Header>,
    /// The client and its provider.
    pub oauth: Option<OAuthClientConfig>,
    /// Where the provider sends the participant's browser afterwards.
    pub redirect_uri: Option<String>,
    /// The participant that is asked to sign in.
    pub participant_id: String,
    /// How long it has for that, in whole seconds; [`super::request::DEFAULT_TIMEOUT_SECONDS`] if there
    /// is none.
    pub timeout: Option<u64>,
    /// Identity that may use the credential beside the one who signs in; the caller's if there is none.
    pub delegate_to: Option<String>,
}

/// Answer of `request_oauth_token`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccessToken {
    /// The access token.
    pub access_token: CarriedText,
}

/// Input of `provide_oauth_authorization`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ProvideOAuthAuthorization {
    /// The request that is answered.
    pub request_id: String,
    /// The authorization code.
    pub code: Option<CarriedText>,
    /// Why it is rejected; none if a code comes with the call.
    pub error: Option<String>,
    /// The redirect URI that was used, if the request named none or a loopback one whose port was
    /// taken. Servers of others do not know this member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
}

/// Input of `get_offline_oauth_token`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct GetOfflineOAuthToken {
    /// A connector that the server has configured, in the server's own terms.
    pub connector: Option<Header>,
    /// The client and its provider.
    pub oauth: Option<OAuthClientConfig>,
    /// Identity that the credential is delegated to.
    pub delegated_to: Option<String>,
    /// Identity that signed in.
    pub delegated_by: Option<String>,
}

/// Answer of `get_offline_oauth_token`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OfflineAccessToken {
    /// The access token; none if there is none to be had without asking.
    #[serde(default)]
    pub access_token: Option<CarriedText>,
}
