//! What a tool returns, and the permits that an answer holds until it is written to the participant.

use futures_util::future::BoxFuture;
use tokio::sync::OwnedSemaphorePermit;

use super::CallError;
use crate::server::response_budget::ResponsePermit;
use crate::wire::Content;

/// What a tool returns.
pub(super) enum Outcome<'a> {
    /// The answer.
    Answer(Answer),
    /// The call has to wait for another participant: the future asks it, and returns the answer.
    Wait(BoxFuture<'a, Result<Answer, CallError>>),
}

/// The answer of a tool.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) content: Content,
    /// The share of the response budget that `content` takes.
    pub(super) budget: Option<ResponsePermit>,
}

impl From<Content> for Answer {
    /// A small answer.
    fn from(content: Content) -> Self {
        Self {
            content,
            budget: None,
        }
    }
}

impl From<Answer> for Outcome<'_> {
    fn from(answer: Answer) -> Self {
        Self::Answer(answer)
    }
}

impl From<Content> for Outcome<'_> {
    fn from(content: Content) -> Self {
        Self::Answer(content.into())
    }
}

/// What an answer holds until it is written: dropping it makes room for another call.
#[derive(Debug)]
pub(in crate::server) struct Permits {
    /// Among the participant's calls in flight, or among those that wait for another participant.
    _call: Option<OwnedSemaphorePermit>,
    /// In the response budget.
    budget: Option<ResponsePermit>,
}

impl Permits {
    /// Those of a small answer.
    pub(in crate::server) const fn call(call: OwnedSemaphorePermit) -> Self {
        Self {
            _call: Some(call),
            budget: None,
        }
    }

    /// Those of an answer that takes a share of the budget.
    pub(super) const fn with_budget(
        call: Option<OwnedSemaphorePermit>,
        budget: Option<ResponsePermit>,
    ) -> Self {
        Self { _call: call, budget }
    }

    /// The answer became a message of `bytes` bytes: gives back what it does not need.
    pub(in crate::server) fn shrink(&mut self, bytes: usize) {
        if let Some(budget) = &mut self.budget {
            budget.shrink(bytes);
        }
    }
}
