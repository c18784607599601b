//! What is done about a request.

use super::sign_in::{Authorized, Unauthorized};
use crate::oauth::ProviderErrorCode;
use crate::sensitive::SecretValue;

/// What whoever asked is told where no reason was given.
const REJECTED: &str = "the participant said no";

/// What whoever asked is told where nobody could sign in. Why is not theirs to know.
pub(super) const NOT_SIGNED_IN: &str = "the participant could not sign in";

/// What is done about a request, and how that came.
#[derive(Debug)]
pub(super) enum Decision<'a> {
    Give(SecretValue, String),
    Authorize(Box<Authorized<'a>>, String),
    Reject {
        told: String,
        how: String,
        /// A rule or a person wants it so.
        on_purpose: bool,
    },
    Ignore,
    /// Nobody waits any more: what became of it.
    Gone(String),
    /// It is gone, and that was said.
    TakenBack,
}

impl Decision<'_> {
    /// Whether this answers the request, as a rule or a person wants it.
    pub(super) const fn is_an_answer(&self) -> bool {
        matches!(
            self,
            Self::Give(..) | Self::Authorize(..) | Self::Reject { on_purpose: true, .. }
        )
    }

    /// Rejects because a rule or a person says so.
    pub(super) fn reject(reason: &str, how: impl Into<String>) -> Self {
        let told = if reason.trim().is_empty() {
            REJECTED
        } else {
            reason
        };
        Self::Reject {
            told: told.to_owned(),
            how: how.into(),
            on_purpose: true,
        }
    }

    /// Rejects because it was refused at the provider, with the provider's code.
    pub(super) fn denied(code: &ProviderErrorCode) -> Self {
        Self::reject(code.as_str(), "at the OAuth provider")
    }

    /// Rejects because nobody signed in as the rule at `place` says.
    pub(super) fn unauthorized(error: Unauthorized, place: &str) -> Self {
        match error {
            Unauthorized::Denied(code) => Self::denied(&code),
            Unauthorized::GivenUp => Self::reject("", "by you"),
            Unauthorized::Failed(why) => Self::unable(NOT_SIGNED_IN, format!("by {place}: {why}")),
        }
    }

    /// Rejects for want of an answer.
    pub(super) fn unable(told: &str, how: impl Into<String>) -> Self {
        Self::Reject {
            told: told.to_owned(),
            how: how.into(),
            on_purpose: false,
        }
    }
}
