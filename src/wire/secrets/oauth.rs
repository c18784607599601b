//! Inputs and responses of the OAuth calls (protocol, "OAuth").

use serde::{Deserialize, Serialize};

use crate::sensitive::SerializableText;
use crate::wire::Header;

/// Type of the secrets that OAuth credentials are. `get_secret` answers a description without the tokens.
pub const CREDENTIAL_TYPE: &str = "application/vnd.meshagent.oauth-credential+json";

/// An OAuth client and its provider's endpoints.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OAuthClientConfig {
    /// The client's id at the provider.
    pub client_id: String,
    /// The client's secret; a public client has none (RFC 6749, section 2.1).
    pub client_secret: Option<SerializableText>,
    /// Authorization endpoint: where a participant signs in.
    pub authorization_endpoint: String,
    /// Token endpoint: where the server exchanges codes and refreshes tokens.
    pub token_endpoint: String,
    /// True if the provider does not support PKCE (RFC 7636).
    pub no_pkce: Option<bool>,
    /// Scopes of the token. Default: the provider's.
    pub scopes: Option<Vec<String>>,
}

/// Input of `request_oauth_token`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RequestOAuthToken {
    /// A connector that the server has configured, in a form of the server's own.
    pub connector: Option<Header>,
    /// The client and its provider.
    pub oauth: Option<OAuthClientConfig>,
    /// Where the provider sends the participant's browser after signing in (RFC 6749, section 3.1.2). None is
    /// written as an empty text.
    #[serde(with = "super::empty_is_none")]
    pub redirect_uri: Option<String>,
    /// Id of the participant that is asked to sign in.
    pub participant_id: String,
    /// Time to answer, in whole seconds. Default: [`super::request::DEFAULT_TIMEOUT_SECONDS`].
    pub timeout: Option<u64>,
    /// Identity that may use the credential, beside the one that signs in. Default: the caller's.
    pub delegate_to: Option<String>,
}

/// Response of `request_oauth_token`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccessToken {
    /// The access token.
    pub access_token: SerializableText,
}

/// Input of `provide_oauth_authorization`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ProvideOAuthAuthorization {
    /// Id of the request that is answered.
    pub request_id: String,
    /// The authorization code.
    pub code: Option<SerializableText>,
    /// Reason for a rejection; none with a code.
    pub error: Option<String>,
    /// The redirect URI that was used, if the request had none, or a loopback one with another port (RFC 8252,
    /// section 7.3). Other servers ignore this member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
}

/// Input of `get_offline_oauth_token`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct GetOfflineOAuthToken {
    /// A connector that the server has configured, in a form of the server's own.
    pub connector: Option<Header>,
    /// The client and its provider.
    pub oauth: Option<OAuthClientConfig>,
    /// Identity that the credential is delegated to.
    pub delegated_to: Option<String>,
    /// Identity that signed in for the credential.
    pub delegated_by: Option<String>,
}

/// Response of `get_offline_oauth_token`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OfflineAccessToken {
    /// The access token; none if no credential gives one without a sign-in.
    #[serde(default)]
    pub access_token: Option<SerializableText>,
}
