//! Requests from one participant to another: the inputs of the calls, and the messages that the server pushes to
//! the participant that is asked (protocol, "Requests").
//!
//! The members of pushed messages are plain text, unchecked: a request that breaks a rule can still be rejected by
//! its id.

use serde::{Deserialize, Serialize};

use crate::wire::{Header, RequestId};

/// Type of the message that requests a secret: [`SecretRequest`].
pub const SECRET_REQUEST: &str = "secrets.request_secret";
/// Type of the message that requests the authorization of a client at an OAuth provider: [`OAuthTokenRequest`].
pub const OAUTH_TOKEN_REQUEST: &str = "secrets.request_oauth_token";
/// Type of the message that withdraws a request: [`RequestWithdrawn`]. Other servers do not send it.
pub const REQUEST_WITHDRAWN: &str = "secrets.request_withdrawn";

/// Time to answer a request that names none, in seconds.
pub const DEFAULT_TIMEOUT_SECONDS: u64 = 300;
/// Longest time to answer a request, in seconds: a day.
pub const MAX_TIMEOUT_SECONDS: u64 = 24 * 60 * 60;

/// Input of `request_secret`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RequestSecret {
    /// What the secret is for: a [`SecretUrl`](crate::wire::SecretUrl).
    pub url: String,
    /// Type. Default: [`super::DEFAULT_TYPE`].
    #[serde(rename = "type")]
    pub secret_type: Option<String>,
    /// Id of the participant that is asked.
    pub participant_id: String,
    /// Time to answer, in whole seconds. Default: [`DEFAULT_TIMEOUT_SECONDS`]; at most [`MAX_TIMEOUT_SECONDS`].
    pub timeout: Option<u64>,
    /// Identity, beside the provider's, that may read the answer. Default: the caller's.
    pub delegate_to: Option<String>,
}

/// Headers of `provide_secret`; the payload is the value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProvideSecret {
    /// Id of the request that is answered.
    pub request_id: String,
    /// Reason for a rejection; none with a value.
    pub error: Option<String>,
}

/// Input of `delete_requested_secret`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeleteRequestedSecret {
    /// The URL of the request.
    pub url: String,
    /// The type of the request. Default: [`super::DEFAULT_TYPE`].
    #[serde(rename = "type")]
    pub secret_type: Option<String>,
    /// Identity that the answer is delegated to. Without one, all answers of that URL and type are deleted that the
    /// caller gave or was given.
    pub delegated_to: Option<String>,
}

/// The participant that makes a request, as the server knows it from its connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requester {
    /// Id of the participant.
    pub id: String,
    /// Its identity.
    pub name: String,
}

/// A request for a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretRequest {
    /// Id of the request, for the answer.
    pub request_id: RequestId,
    /// The input of the requester's call.
    pub request: RequestSecret,
    /// The requester. Other servers do not send it.
    #[serde(default)]
    pub requester: Option<Requester>,
}

/// A request to authorize a client at an OAuth provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OAuthTokenRequest {
    /// Id of the request, for the answer.
    pub request_id: RequestId,
    /// The input of the requester's call.
    pub request: RequestedAuthorization,
    /// PKCE challenge, method S256, for the authorization request (RFC 7636, section 4.3); none with `no_pkce`.
    #[serde(default)]
    pub challenge: Option<String>,
    /// The requester. Other servers do not send it.
    #[serde(default)]
    pub requester: Option<Requester>,
}

/// The authorization that is requested. It never has the client's secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RequestedAuthorization {
    /// A connector that the server has configured, in a form of the server's own.
    pub connector: Option<Header>,
    /// The client, and the provider's endpoints.
    pub oauth: Option<AuthorizedClient>,
    /// Where the provider sends the participant's browser after signing in (RFC 6749, section 3.1.2). None is
    /// written as an empty text.
    #[serde(with = "super::empty_is_none")]
    pub redirect_uri: Option<String>,
    /// Id of the participant that is asked.
    pub participant_id: Option<String>,
    /// Time to answer, in whole seconds.
    pub timeout: Option<u64>,
    /// Identity, beside the participant's, that may use the credential.
    pub delegate_to: Option<String>,
}

/// An OAuth client without its secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuthorizedClient {
    /// The client's id at the provider.
    pub client_id: String,
    /// Authorization endpoint: where the participant signs in.
    pub authorization_endpoint: String,
    /// Token endpoint: where the server exchanges the code for a token.
    pub token_endpoint: String,
    /// True if the provider does not support PKCE.
    pub no_pkce: Option<bool>,
    /// Scopes of the token. Default: the provider's.
    pub scopes: Option<Vec<String>>,
}

/// A request that no longer needs an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestWithdrawn {
    /// Id of the request.
    pub request_id: RequestId,
    /// The reason: one of [`withdrawn`].
    #[serde(default)]
    pub reason: String,
}

/// Reasons for which a request is withdrawn.
pub mod withdrawn {
    /// The requester has left, or has withdrawn the request.
    pub const BY_REQUESTER: &str = "withdrawn";
    /// The time to answer has passed.
    pub const TIMED_OUT: &str = "timed_out";
}
