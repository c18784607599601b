//! API keys and participant tokens.
//!
//! An [`ApiKey`] belongs to a project and signs [`ParticipantToken`]s; a participant token says who
//! somebody is and, in its [`ApiScope`], what they may do in one room. The form of both is
//! protocol, "API key" and "Participant token"; a token is a JWT (RFC 7519) in compact
//! serialization (RFC 7515), signed with HS256 (RFC 7518, section 3.2) and with nothing else.
//!
//! Nothing in a token is believed, or even parsed, before its signature was checked, apart from the
//! header that says how it is signed.

mod api_key;
mod error;
mod grant;
mod jwt;
mod participant;
mod strict_json;

pub use api_key::{ApiKey, ApiKeyError};
pub use error::TokenError;
pub use grant::{ApiScope, MessagingGrant, OAuthEndpointGrant, Role, SecretsGrant};
pub use participant::{ParticipantToken, TOKEN_VERSION};

/// Longest token that is read, in bytes (16 KiB).
pub const MAX_TOKEN_BYTES: usize = 16 << 10;

/// How far two clocks may be apart, in seconds, when a token's times are checked.
pub const CLOCK_LEEWAY_SECONDS: u64 = 30;
