//! API keys and participant tokens (protocol, "API key" and "Participant token").
//!
//! An [`ApiKey`] belongs to a project and signs [`ParticipantToken`]s. A participant token says which identity its
//! bearer has in which room and, in its [`ApiScope`], what it may do there. It is a JWT (RFC 7519) in compact
//! serialization (RFC 7515, section 7.1), signed with HS256 (RFC 7518, section 3.2). No other algorithm is accepted.
//!
//! ```
//! use meshagent::token::{ApiKey, ApiScope, ParticipantToken};
//! use meshagent::wire::{Identity, RoomName};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = ApiKey::generate(uuid::Uuid::new_v4())?;
//! let room = RoomName::new("demo")?;
//! let mut token = ParticipantToken::new(Identity::new("ada")?, room.clone(), ApiScope::participant());
//! token.expires_at = Some(2_000_000_000);
//! let signed = token.sign(&key)?;
//!
//! let now = 1_999_999_000;
//! let read = ParticipantToken::verify_for_room(signed.expose(), &key, now, &room)?;
//! assert_eq!(read.identity.as_str(), "ada");
//! # Ok(())
//! # }
//! ```
//!
//! Apart from the header, and the claim `kid` where there are several keys, no part of a token is used before its
//! signature is verified.

mod api_key;
mod error;
#[cfg(test)]
#[path = "../../tests/fuzz/token.rs"]
mod fuzz;
mod grant;
mod jwt;
mod oauth_grant;
mod participant;
mod provider_hosts;
mod strict_json;

pub use api_key::{ApiKey, ApiKeyError};
pub use error::TokenError;
pub use grant::{AgentsGrant, ApiScope, MessagingGrant, Role, SecretsGrant};
pub use oauth_grant::{EndpointGrantError, OAuthEndpointGrant};
pub use participant::{ParticipantToken, TOKEN_VERSION};
pub use provider_hosts::is_same_provider;

/// Longest token that is read or signed, in bytes: 16 KiB (protocol, "Limits").
pub const MAX_TOKEN_BYTES: usize = 16 << 10;

/// Leeway for `exp`, `nbf` and `iat`, in seconds: how far the issuer's clock and this one may differ.
pub const CLOCK_LEEWAY_SECONDS: u64 = 30;
