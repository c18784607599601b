//! Why a rule does not match a request.

use super::pattern::AmbiguousUrl;
use super::request::shown;
use crate::wire::EndpointError;

/// What of a request a rule does not take. The texts in it are the other participant's; its `Display` escapes them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Mismatch {
    /// The rule is about the other kind of request.
    #[error("the rule is for another kind of request")]
    Kind,
    #[error("`url` is for other URLs")]
    Url,
    /// No pattern matches the URL.
    #[error(transparent)]
    Ambiguous(#[from] AmbiguousUrl),
    #[error("`type` is for other types")]
    Type,
    #[error("`client_id` is for other clients")]
    ClientId,
    #[error("an endpoint is not usable: {0}")]
    Endpoint(#[from] EndpointError),
    #[error("`host` does not name {}", shown(.0))]
    Host(String),
    #[error("`path` does not name {}", shown(.0))]
    Path(String),
    #[error("{} is not named by `query`", shown(.0))]
    Query(String),
    #[error("port {0} is not named by `port`")]
    Port(u16),
    #[error("{} is asked over plain http, and the rule has no `allow_http = true`", shown(.0))]
    Http(String),
    #[error("the request leaves PKCE out, and the rule has no `allow_no_pkce = true`")]
    NoPkce,
    #[error("scope {} is not named by `scopes`", shown(.0))]
    Scope(String),
    #[error("`requester` names others")]
    Requester,
    #[error("the answer is for another participant too, whom `delegate_to` does not name")]
    Delegate,
}
