//! Inputs and responses of the `secrets` toolkit (protocol, "The `secrets` toolkit").
//!
//! [`tool`] has the tools, each with its input and response. Requests from one participant to another are in
//! [`request`], the OAuth calls in [`oauth`]. An absent member means null, so every member of an input has a
//! default, and a reader decides what a missing one means.

pub mod audit;
pub mod oauth;
pub mod request;

use serde::{Deserialize, Serialize};

use super::SecretId;

/// A member that is written as an empty text where there is none: other clients and servers do not take null.
mod empty_is_none {
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::ref_option, reason = "the signature that serde calls")]
    pub(super) fn serialize<S: Serializer>(text: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(text.as_deref().unwrap_or_default())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<String>, D::Error> {
        Ok(Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty()))
    }
}

/// The toolkit's name.
pub const TOOLKIT: &str = "secrets";

/// Names of the toolkit's tools.
pub mod tool {
    /// Lists the secrets that the caller may see. Input: [`super::ListSecrets`]; response: [`super::SecretList`].
    pub const LIST: &str = "list_secrets";
    /// Stores a secret. Input: [`super::SetSecret`] and the value; response: `empty`, or [`super::SetSecretResponse`]
    /// if the input has no id.
    pub const SET: &str = "set_secret";
    /// Reads a secret. Input: [`super::GetSecret`]; response: `file`, or `empty` if there is none.
    pub const GET: &str = "get_secret";
    /// Tells whether a secret exists. Input: [`super::SecretExists`]; response: [`super::ExistsResponse`].
    pub const EXISTS: &str = "exists";
    /// Deletes a secret. Input: [`super::DeleteSecret`]; response: `empty`.
    pub const DELETE: &str = "delete_secret";
    /// Requests a secret from a participant. Input: [`super::request::RequestSecret`]; response: `file`.
    pub const REQUEST: &str = "request_secret";
    /// Answers such a request. Input: [`super::request::ProvideSecret`] and the value; response: `empty`.
    pub const PROVIDE: &str = "provide_secret";
    /// Deletes what was provided. Input: [`super::request::DeleteRequestedSecret`]; response: `empty`.
    pub const DELETE_REQUESTED: &str = "delete_requested_secret";
    /// Requests an OAuth access token, for which a participant may have to sign in. Input:
    /// [`super::oauth::RequestOAuthToken`]; response: [`super::oauth::AccessToken`].
    pub const REQUEST_OAUTH: &str = "request_oauth_token";
    /// Answers such a request. Input: [`super::oauth::ProvideOAuthAuthorization`]; response: `empty`.
    pub const PROVIDE_OAUTH: &str = "provide_oauth_authorization";
    /// Reads an OAuth access token without a sign-in. Input:
    /// [`super::oauth::GetOfflineOAuthToken`]; response: [`super::oauth::OfflineAccessToken`].
    pub const OFFLINE_OAUTH: &str = "get_offline_oauth_token";

    /// Tells the owner of a secret who had access to it. Input: [`super::audit::AuditSecret`]; response:
    /// [`super::audit::SecretAccesses`]. Other servers do not know it.
    pub const AUDIT: &str = "audit_secret";

    /// All of them.
    pub const ALL: [&str; 12] = [
        LIST,
        SET,
        GET,
        EXISTS,
        DELETE,
        REQUEST,
        PROVIDE,
        DELETE_REQUESTED,
        REQUEST_OAUTH,
        PROVIDE_OAUTH,
        OFFLINE_OAUTH,
        AUDIT,
    ];
}

/// Type of a secret that was stored without a type.
pub const DEFAULT_TYPE: &str = "application/octet-stream";

/// Headers of `set_secret`; the payload is the value.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SetSecret {
    /// Id. Without one the server makes one.
    pub secret_id: Option<String>,
    /// Type. Default: [`DEFAULT_TYPE`].
    #[serde(rename = "type")]
    pub secret_type: Option<String>,
    /// Name. Default: the id.
    pub name: Option<String>,
    /// Identity that may read it too.
    pub delegated_to: Option<String>,
    /// Owner. Default: the caller; another one needs the `admin` grant.
    pub for_identity: Option<String>,
    /// False if the call has no value: it changes type and name of a stored secret alone. Clients before March 2026 do
    /// not send it; an empty value of theirs is no value where the secret exists.
    pub has_data: Option<bool>,
}

/// Response of `set_secret` without an id. Other servers answer `empty`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetSecretResponse {
    /// The id that the server made.
    pub id: SecretId,
}

/// Most secrets in a page of a list.
pub const MAX_PAGE_SECRETS: usize = 1000;

/// Input of `list_secrets`. Other servers do not know its members, and answer all secrets at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ListSecrets {
    /// Start of the ids. Default: empty, which every id starts with.
    pub prefix: Option<String>,
    /// Where the page starts: `next` of the page before.
    pub after: Option<String>,
    /// Most secrets of the page, which has at most [`MAX_PAGE_SECRETS`]. Without it the answer is not a page: it has
    /// all secrets.
    pub limit: Option<u64>,
}

/// Input of `get_secret`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct GetSecret {
    /// Id. Without one the secret is looked up by type, name or both.
    pub secret_id: Option<String>,
    /// Type to look for.
    #[serde(rename = "type")]
    pub secret_type: Option<String>,
    /// Name to look for.
    pub name: Option<String>,
    /// Identity that the secret is delegated to.
    pub delegated_to: Option<String>,
    /// Owner, where another one delegated the secret to the caller. Other servers do not know it.
    pub delegated_by: Option<String>,
}

/// Input of `exists`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SecretExists {
    /// Id.
    pub secret_id: String,
    /// Identity that the secret is delegated to.
    pub delegated_to: Option<String>,
    /// Owner, where another one delegated the secret to the reader. Other servers do not know it.
    pub delegated_by: Option<String>,
    /// The reader. Default: the caller; another one needs the `admin` grant.
    pub for_identity: Option<String>,
}

/// Response of `exists`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExistsResponse {
    /// Whether the secret exists.
    pub exists: bool,
    /// The `delegated_by` of the input, if the secret exists. Other servers do not send it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

/// Input of `delete_secret`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DeleteSecret {
    /// Id.
    pub id: String,
    /// Identity that the secret is delegated to.
    pub delegated_to: Option<String>,
}

/// A secret without its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretInfo {
    /// Id.
    pub id: String,
    /// Type.
    #[serde(rename = "type")]
    pub secret_type: String,
    /// Name.
    pub name: String,
    /// Identity, beside the owner, that may read it.
    #[serde(default)]
    pub delegated_to: Option<String>,
    /// Owner, where it is not the caller. Other servers do not send it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// When it was set last, in seconds since 1970. Other servers do not send it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<u64>,
    /// How often it was set. Other servers do not send it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
}

/// Response of `list_secrets`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretList {
    /// The secrets. Other servers sort them in no particular order.
    pub secrets: Vec<SecretInfo>,
    /// Where the next page starts; none if this is the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
