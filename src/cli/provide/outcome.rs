//! The outcome of a request.

use super::sign_in::{Authorized, SignInError};
use crate::oauth::ProviderErrorCode;
use crate::sensitive::SecretValue;

/// The reason that the requester gets where the rule or the person gave none.
const REJECTED: &str = "the participant said no";

/// The reason that the requester gets where the sign-in failed. The cause stays with the provider of the answer.
pub(super) const NOT_SIGNED_IN: &str = "the participant could not sign in";

/// What is sent to the requester, and the reason that the terminal shows.
#[derive(Debug)]
pub(super) enum Outcome<'a> {
    /// The value is sent; the text says who decided, and where the value comes from.
    Provide(SecretValue, String),
    /// The authorization code is sent; the text says who decided.
    Authorize(Box<Authorized<'a>>, String),
    Reject {
        /// The reason that the requester gets.
        told: String,
        /// The reason that the terminal shows.
        reason: String,
        /// A rule or a person rejects it; false where no value could be read.
        is_deliberate: bool,
    },
    /// Nothing is sent: the requester waits until its time is over.
    Ignore,
    /// The requester no longer waits.
    Withdrawn {
        reason: String,
        /// The terminal has shown the reason already, in the middle of the conversation.
        is_shown: bool,
    },
}

impl Outcome<'_> {
    /// Whether this answers the request, as a rule or a person wants it.
    pub(super) const fn is_an_answer(&self) -> bool {
        matches!(
            self,
            Self::Provide(..)
                | Self::Authorize(..)
                | Self::Reject {
                    is_deliberate: true,
                    ..
                }
        )
    }

    /// A rule or a person rejects the request.
    pub(super) fn reject(told: &str, reason: impl Into<String>) -> Self {
        let told = if told.trim().is_empty() { REJECTED } else { told };
        Self::Reject {
            told: told.to_owned(),
            reason: reason.into(),
            is_deliberate: true,
        }
    }

    /// The OAuth provider refused, with this code, or the person did there.
    pub(super) fn denied(code: &ProviderErrorCode) -> Self {
        Self::reject(code.as_str(), "at the OAuth provider")
    }

    /// The sign-in that the rule at `place` wants failed.
    pub(super) fn sign_in_failed(error: SignInError, place: &str) -> Self {
        match error {
            SignInError::Denied(code) => Self::denied(&code),
            SignInError::GivenUp => Self::reject("", "by you"),
            SignInError::Failed(why) => Self::unable(NOT_SIGNED_IN, format!("by {place}: {why}")),
        }
    }

    /// A rule or a person wants to answer, and the value cannot be read.
    pub(super) fn unable(told: &str, reason: impl Into<String>) -> Self {
        Self::Reject {
            told: told.to_owned(),
            reason: reason.into(),
            is_deliberate: false,
        }
    }

    /// The requester no longer waits, and the terminal is yet to show it.
    pub(super) const fn withdrawn(reason: String) -> Self {
        Self::Withdrawn {
            reason,
            is_shown: false,
        }
    }
}
