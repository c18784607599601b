//! Who makes a request.

use crate::token::{ApiScope, Role};
use crate::wire::Identity;

/// A participant, as its token describes it.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) identity: Identity,
    pub(super) role: Role,
    pub(super) api: ApiScope,
    /// When its token expires, in Unix seconds; never without it.
    pub(super) expires_at: Option<u64>,
}
