//! OAuth 2.0 (RFC 6749) as a native app (RFC 8252): authorization requests, callbacks and token requests.
//!
//! A sign-in has these steps:
//!
//! 1. A [`LoopbackListener`] binds to the redirect URI.
//! 2. An [`AuthorizationRequest`] with a [`CsrfState`] and a [`PkceChallenge`] gives the URL for the [`browser`].
//! 3. The callback with the [`AuthorizationCode`] comes to the listener, or the user pastes it ([`pasted`]).
//! 4. [`token_endpoint`] makes the token request and reads the response.
//!
//! ```no_run
//! use meshagent::oauth::{
//!     AuthorizationRequest, CsrfState, ExpectedCallback, LoopbackListener, PkceVerifier, SignInOutcome,
//! };
//! use meshagent::wire::HttpEndpoint;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let endpoint = HttpEndpoint::parse("https://provider.example/authorize")?;
//! let (state, verifier) = (CsrfState::generate()?, PkceVerifier::generate()?);
//! let mut listener = LoopbackListener::bind_anywhere("/callback").await?;
//! let url = AuthorizationRequest {
//!     endpoint: &endpoint,
//!     client_id: "client",
//!     redirect_uri: listener.redirect_uri(),
//!     scopes: &[],
//!     challenge: Some(&verifier.challenge()),
//!     state: &state,
//! }
//! .url();
//! println!("Sign in at {url}");
//! let code = listener.callback(ExpectedCallback { state, authorization_endpoint: endpoint }).await?;
//! listener.finish(SignInOutcome::SignedIn).await;
//! # Ok(())
//! # }
//! ```
//!
//! This module sends nothing to a provider. The caller sends token requests, because a server has to be more careful
//! about the addresses that it connects to than a user's own program.
//!
//! The client library, the command line and the room server all use this module. It follows RFC 6749, PKCE (RFC 7636),
//! RFC 8252 for loopback redirects and RFC 9207 for issuers.

mod authorization;
pub mod browser;
mod callback;
mod error;
#[cfg(test)]
#[path = "../../tests/fuzz/oauth.rs"]
mod fuzz;
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
