//! What one participant asks of another: inputs of the calls, and what the server pushes to the one that
//! is asked (protocol, "Requests").

use serde::{Deserialize, Serialize};

use crate::wire::{Header, RequestId};

/// Type of the message that asks a participant for a secret: [`SecretRequest`].
pub const SECRET_REQUEST: &str = "secrets.request_secret";
/// Type of the message that asks a participant to authorize a client at an OAuth provider:
/// [`OAuthTokenRequest`].
pub const OAUTH_TOKEN_REQUEST: &str = "secrets.request_oauth_token";
/// Type of the message that takes a request back: [`RequestWithdrawn`]. Servers of others do not send it.
pub const REQUEST_WITHDRAWN: &str = "secrets.request_withdrawn";

/// How long a participant has to answer when nobody says, in seconds.
pub const DEFAULT_TIMEOUT_SECONDS: u64 = 300;
/// Longest time that a participant may be given to answer, in seconds: a day.
pub const MAX_TIMEOUT_SECONDS: u64 = 24 * 60 * 60;

/// Input of `request_secret`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RequestSecret {
    /// What the secret is for; an address by custom.
    pub url: String,
    /// Type; [`super::DEFAULT_TYPE`] if there is none.
    #[serde(rename = "type")]
    pub secret_type: Option<String>,
    /// The participant that is asked.
    pub participant_id: String,
    /// How long it has to answer, in whole seconds; [`DEFAULT_TIMEOUT_SECONDS`] if there is none.
    pub timeout: Option<u64>,
    /// Identity that may read the answer beside the one who provides it; the caller's if there is none.
    pub delegate_to: Option<String>,
}

/// Headers of `provide_secret`; the payload is the value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProvideSecret {
    /// The request that is answered.
    pub request_id: String,
    /// Why it is rejected; none if a value comes with the call.
    pub error: Option<String>,
}

/// Input of `delete_requested_secret`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeleteRequestedSecret {
    /// What the secret was asked for by.
    pub url: String,
    /// Type that was asked for; [`super::DEFAULT_TYPE`] if there is none.
    #[serde(rename = "type")]
    pub secret_type: Option<String>,
    /// Identity that the answer is delegated to; if there is none, every answer of that URL and type that
    /// the caller gave or was given.
    pub delegated_to: Option<String>,
}

/// Who asks, as the server knows it from the connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requester {
    /// Id of the participant.
    pub id: String,
    /// Its identity.
    pub name: String,
}

/// A participant is asked for a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretRequest {
    /// What the answer is given to.
    pub request_id: RequestId,
    /// What is asked for.
    pub request: RequestSecret,
    /// Who asks; servers of others do not say.
    #[serde(default)]
    pub requester: Option<Requester>,
}

/// A participant is asked to authorize a client at an OAuth provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OAuthTokenRequest {
    /// What the answer is given to.
    pub request_id: RequestId,
    /// What is asked for.
    pub request: RequestedAuthorization,
    /// PKCE S256 challenge for the authorization URL; none if the provider knows no PKCE.
    #[serde(default)]
    pub challenge: Option<String>,
    /// Who asks; servers of others do not say.
    #[serde(default)]
    pub requester: Option<Requester>,
}

/// What a participant is asked to authorize. The client's secret is no part of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RequestedAuthorization {
    /// A connector that the server has configured, in the server's own terms.
    pub connector: Option<Header>,
    /// The client, and the provider's endpoints.
    pub oauth: Option<AuthorizedClient>,
    /// Where the provider sends the participant's browser afterwards.
    pub redirect_uri: Option<String>,
    /// The participant that is asked.
    pub participant_id: Option<String>,
    /// How long it has to answer, in whole seconds.
    pub timeout: Option<u64>,
    /// Identity that may use the token beside the one who authorizes it.
    pub delegate_to: Option<String>,
}

/// An OAuth client, as the one who authorizes it sees it: without its secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuthorizedClient {
    /// The client's id at the provider.
    pub client_id: String,
    /// Where the participant authorizes it.
    pub authorization_endpoint: String,
    /// Where the server exchanges the code for a token.
    pub token_endpoint: String,
    /// Whether the provider knows no PKCE.
    pub no_pkce: Option<bool>,
    /// What the token is to be good for.
    pub scopes: Option<Vec<String>>,
}

/// A request needs no answer any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestWithdrawn {
    /// The request.
    pub request_id: RequestId,
    /// Why, in one word: see [`withdrawn`].
    #[serde(default)]
    pub reason: String,
}

/// Why a request is taken back.
pub mod withdrawn {
    /// Whoever asked has left, or does not want it any more.
    pub const BY_REQUESTER: &str = "withdrawn";
    /// The time to answer is over.
    pub const TIMED_OUT: &str = "timed_out";
}
