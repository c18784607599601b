//! Inputs and answers of the `secrets` toolkit (protocol, "The `secrets` toolkit"). Absent members
//! mean null. What one participant asks of another is in [`request`], the OAuth calls in [`oauth`].

pub mod oauth;
pub mod request;

use serde::{Deserialize, Serialize};

/// The toolkit's name.
pub const TOOLKIT: &str = "secrets";
/// Before March 2026 a call was a message of its own, `secrets.<tool>`.
pub const LEGACY_PREFIX: &str = "secrets.";

/// Names of the toolkit's tools.
pub mod tool {
    /// Lists what the caller may see: answers [`super::SecretList`].
    pub const LIST: &str = "list_secrets";
    /// Stores a secret: takes [`super::SetSecret`] and the value, answers `empty`.
    pub const SET: &str = "set_secret";
    /// Reads a secret: takes [`super::GetSecret`], answers `file`, or `empty` when it is missing.
    pub const GET: &str = "get_secret";
    /// Says whether a secret is there: takes [`super::SecretExists`], answers [`super::ExistsResponse`].
    pub const EXISTS: &str = "exists";
    /// Deletes a secret: takes [`super::DeleteSecret`], answers `empty`.
    pub const DELETE: &str = "delete_secret";
    /// Asks a participant for a secret: takes [`super::request::RequestSecret`], answers `file`.
    pub const REQUEST: &str = "request_secret";
    /// Answers such a request: takes [`super::request::ProvideSecret`] and the value, answers `empty`.
    pub const PROVIDE: &str = "provide_secret";
    /// Deletes what was provided: takes [`super::request::DeleteRequestedSecret`], answers `empty`.
    pub const DELETE_REQUESTED: &str = "delete_requested_secret";
    /// Asks for an OAuth access token: takes [`super::oauth::RequestOAuthToken`], answers
    /// [`super::oauth::AccessToken`] once somebody signed in.
    pub const REQUEST_OAUTH: &str = "request_oauth_token";
    /// Answers such a request: takes [`super::oauth::ProvideOAuthAuthorization`], answers `empty`.
    pub const PROVIDE_OAUTH: &str = "provide_oauth_authorization";
    /// Reads an OAuth access token without asking anybody: takes [`super::oauth::GetOfflineOAuthToken`],
    /// answers [`super::oauth::OfflineAccessToken`].
    pub const OFFLINE_OAUTH: &str = "get_offline_oauth_token";
}

/// Type of a secret that was stored without one.
pub const DEFAULT_TYPE: &str = "application/octet-stream";

/// Headers of `set_secret`; the payload is the value.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SetSecret {
    /// Id; the server makes one if there is none.
    pub secret_id: Option<String>,
    /// Type; [`DEFAULT_TYPE`] if there is none.
    #[serde(rename = "type")]
    pub secret_type: Option<String>,
    /// Name; the id if there is none.
    pub name: Option<String>,
    /// Identity that may read it too.
    pub delegated_to: Option<String>,
    /// Owner, if that is not the caller; needs the `admin` grant.
    pub for_identity: Option<String>,
    /// False says that no value comes with the call. Clients before March 2026 do not send it.
    pub has_data: Option<bool>,
}

/// Input of `get_secret`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct GetSecret {
    /// Id; without it, the lookup is by type, name or both.
    pub secret_id: Option<String>,
    /// Type to look for.
    #[serde(rename = "type")]
    pub secret_type: Option<String>,
    /// Name to look for.
    pub name: Option<String>,
    /// Identity the secret is delegated to.
    pub delegated_to: Option<String>,
}

/// Input of `exists`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SecretExists {
    /// Id.
    pub secret_id: String,
    /// Identity the secret is delegated to.
    pub delegated_to: Option<String>,
    /// Owner, if that is not the caller; needs the `admin` grant.
    pub for_identity: Option<String>,
}

/// Answer of `exists`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExistsResponse {
    /// Whether it is there.
    pub exists: bool,
}

/// Input of `delete_secret`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DeleteSecret {
    /// Id.
    pub id: String,
    /// Identity the secret is delegated to.
    pub delegated_to: Option<String>,
}

/// What is known of a secret without its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretInfo {
    /// Id.
    pub id: String,
    /// Type.
    #[serde(rename = "type")]
    pub secret_type: String,
    /// Name.
    pub name: String,
    /// Identity that may read it beside the owner.
    #[serde(default)]
    pub delegated_to: Option<String>,
}

/// Answer of `list_secrets`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretList {
    /// The secrets, in any order.
    pub secrets: Vec<SecretInfo>,
}
