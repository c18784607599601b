//! The participant that a request comes from. Every layer may use it; it imports none.

use crate::token::{ApiScope, Role};
use crate::wire::Identity;

/// A participant, as its token describes it.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) identity: Identity,
    pub(super) role: Role,
    pub(super) api: ApiScope,
    /// When its token expires, in Unix seconds. None if it does not expire.
    pub(super) expires_at: Option<u64>,
}
