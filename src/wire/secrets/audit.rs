//! Input and response of `audit_secret` (protocol, "Who had access to a secret").

use serde::{Deserialize, Serialize};

/// Most accesses in a page.
pub const MAX_PAGE_ACCESSES: usize = 1000;

/// Input of `audit_secret`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditSecret {
    /// Id of a secret of the caller's.
    pub secret_id: String,
    /// Where the page starts: `next` of the page before.
    pub after: Option<String>,
    /// Most accesses of the page. Default and limit: [`MAX_PAGE_ACCESSES`].
    pub limit: Option<u64>,
}

/// Response of `audit_secret`, the newest access first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretAccesses {
    /// The accesses. There may be none in a page though it has a `next`.
    pub accesses: Vec<SecretAccess>,
    /// The `after` of the next page. None after the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// An access to a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretAccess {
    /// When, in Unix milliseconds.
    pub at: u64,
    /// Who. None for the server itself, as when it refreshes a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// Its id in the room at that time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participant_id: Option<String>,
    /// What was done: the name of a tool.
    pub operation: String,
    /// How it ended: `done`, `not-found`, `denied`, `invalid`, `conflict`, `timed-out` or `failed`.
    pub outcome: String,
    /// The identity that the secret is, or would be, delegated to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegated_to: Option<String>,
}
