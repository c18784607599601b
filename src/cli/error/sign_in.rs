//! Why a sign-in did not take place.

/// Whoever was to sign in does not want to any more.
#[derive(Debug, thiserror::Error)]
#[error("nobody signed in")]
pub(in crate::cli) struct GivenUp;

/// Why nobody can sign in by a redirect URI.
#[derive(Debug, thiserror::Error)]
#[error("the redirect URI does not lead back to this machine, and there is no terminal to paste it at")]
pub(in crate::cli) struct NoWayBack;
