//! OAuth 2.0, as far as both sides of a room need it: PKCE, scopes, and what is asked of a token
//! endpoint and answered by it.
//!
//! Nothing here opens a connection to a provider: whoever has a request sends it over a stream of its
//! own choice, since a server must be more careful about where it dials than its user is.

mod error;
mod pkce;
mod scope;
pub mod token_endpoint;

pub use self::error::{OAuthError, ProviderErrorCode};
pub use self::pkce::{PkceChallenge, PkceVerifier};
pub use self::scope::{OAuthScope, ScopeError};
