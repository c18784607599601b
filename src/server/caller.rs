//! The participant that a request comes from. Every layer may use it; it imports none.

use uuid::Uuid;

use crate::token::{ApiScope, Role};
use crate::wire::Identity;

/// A participant, as its token describes it.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) identity: Identity,
    pub(super) role: Role,
    pub(super) api: ApiScope,
    /// Where its token comes from, by which it may be revoked.
    pub(super) token: TokenOrigin,
    /// When its token expires, in Unix seconds. None if it does not expire.
    pub(super) expires_at: Option<u64>,
}

/// What of a token may be revoked, besides its identity.
#[derive(Debug, Clone)]
pub struct TokenOrigin {
    /// The API key that signed it.
    pub api_key_id: Uuid,
    /// Its id (`jti`).
    pub token_id: Option<String>,
    /// When it was issued (`iat`), in Unix seconds.
    pub issued_at: Option<u64>,
}
