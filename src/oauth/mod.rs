//! OAuth 2.0 as both sides of a room need it (RFC 6749, RFC 8252 for programs on somebody's machine).
//!
//! A sign-in goes: a [`LoopbackListener`] is bound, an [`AuthorizationRequest`] is made into a URL with
//! a [`CsrfState`] and a [`PkceChallenge`], a [`browser`] shows it, and the callback that comes back, or
//! is [`pasted`], holds the [`AuthorizationCode`]. The [`token_endpoint`] gives tokens for that.
//!
//! Nothing here opens a connection to a provider: whoever has a token request sends it over a stream of
//! its own choice, since a server must be more careful about where it dials than its user is.

mod authorization;
pub mod browser;
mod callback;
mod error;
mod loopback;
mod page;
pub mod pasted;
mod pkce;
mod redirect_uri;
mod scope;
mod state;
pub mod token_endpoint;

pub use self::authorization::AuthorizationRequest;
pub use self::callback::{AuthorizationCode, CallbackError, ExpectedCallback};
pub use self::error::{OAuthError, ProviderErrorCode};
pub use self::loopback::{LoopbackError, LoopbackListener};
pub use self::page::SignInOutcome;
pub use self::pkce::{PkceChallenge, PkceVerifier};
pub use self::redirect_uri::{RedirectUri, RedirectUriError};
pub use self::scope::{OAuthScope, ScopeError};
pub use self::state::CsrfState;
