//! Why a sign-in did not take place.

/// The person ended the sign-in.
#[derive(Debug, thiserror::Error)]
#[error("nobody signed in")]
pub(in crate::cli) struct GivenUp;

/// A redirect URI that cannot be used to sign in.
#[derive(Debug, thiserror::Error)]
#[error("the redirect URI does not lead back to this machine, and there is no terminal to paste it at")]
pub(in crate::cli) struct NoWayBack;
