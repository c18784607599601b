//! What participants are asked and have not answered yet.
//!
//! The same for everything that can be asked: a request is registered with the participant that is
//! asked, pushed to it, and answered by that participant alone and once. It ends with the answer, when
//! its time is over, or when either side leaves.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::rooms::Member;
use super::store::SecretRecord;
use crate::sensitive::{SecretValue, Sensitive};
use crate::wire::secrets::request::{REQUEST_WITHDRAWN, RequestWithdrawn, withdrawn};
use crate::wire::{Message, RequestId};

/// What a participant answers.
#[derive(Debug)]
pub(super) enum Answer {
    /// This.
    Provided(SecretValue),
    /// No, for this reason.
    Rejected(String),
    /// It answered, and the answer was lost here.
    Lost,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unanswered {
    /// The participant that was asked has left.
    Left,
    /// It has too many requests to answer already.
    TooMany,
    /// The time is over.
    TimedOut,
    /// Whoever asked has left, or the server stops.
    Withdrawn,
}

/// What is asked.
pub(super) struct Question<F> {
    /// Type of the message that asks; an answer must be of the same.
    pub(super) message_type: &'static str,
    /// The message's header, once the request has an id.
    pub(super) header: F,
    /// How the answer is stored before it is handed on; none if whoever asks sees to that.
    pub(super) keep_as: Option<SecretRecord>,
    /// Time to answer.
    pub(super) timeout: Duration,
}

/// The requests that wait for one participant's answer.
#[derive(Debug)]
pub(super) struct Pending {
    limit: usize,
    /// None once the participant has left.
    waiting: Mutex<Option<HashMap<RequestId, Asked>>>,
}

/// A request that waits for its answer.
#[derive(Debug)]
pub(super) struct Asked {
    message_type: &'static str,
    /// How the answer is stored; none if whoever asked sees to that.
    pub(super) keep_as: Option<SecretRecord>,
    answer: oneshot::Sender<Answer>,
}

impl Asked {
    /// Gives the answer to whoever asked.
    pub(super) fn answer(self, answer: Answer) {
        // It may have left meanwhile.
        let _ = self.answer.send(answer);
    }
}

impl Pending {
    /// No requests, of at most `limit`.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            waiting: Mutex::new(Some(HashMap::new())),
        }
    }

    /// Takes the request in order to answer it: nobody else can from here on. None if there is no such
    /// request of that message type: never made, made of somebody else, answered, or over.
    pub(super) fn take(&self, id: &RequestId, message_type: &str) -> Option<Asked> {
        let mut waiting = self.lock();
        let waiting = waiting.as_mut()?;
        if waiting.get(id)?.message_type != message_type {
            return None;
        }
        waiting.remove(id)
    }

    /// The participant has left: nobody waits for it any more.
    pub(super) fn close(&self) {
        self.lock().take();
    }

    fn register(
        &self,
        message_type: &'static str,
        keep_as: Option<SecretRecord>,
    ) -> Result<(RequestId, oneshot::Receiver<Answer>), Unanswered> {
        let mut waiting = self.lock();
        let waiting = waiting.as_mut().ok_or(Unanswered::Left)?;
        if waiting.len() >= self.limit {
            return Err(Unanswered::TooMany);
        }
        // Random, so that one request's id says nothing of another's.
        let id = RequestId::from(Uuid::new_v4());
        let (answer, answered) = oneshot::channel();
        let asked = Asked {
            message_type,
            keep_as,
            answer,
        };
        waiting.insert(id.clone(), asked);
        Ok((id, answered))
    }

    /// Forgets a request; false if it is answered already, or the participant has left.
    fn forget(&self, id: &RequestId) -> bool {
        let mut waiting = self.lock();
        waiting
            .as_mut()
            .is_some_and(|waiting| waiting.remove(id).is_some())
    }

    fn lock(&self) -> MutexGuard<'_, Option<HashMap<RequestId, Asked>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks `member`, and waits for its answer. The request is taken back when `gone` is done first, and when
/// whoever waits stops waiting.
pub(super) async fn ask<F, H>(
    member: &Member,
    question: Question<F>,
    gone: impl Future<Output = ()>,
) -> Result<Answer, Unanswered>
where
    F: FnOnce(RequestId) -> H,
    H: Serialize,
{
    let Question {
        message_type,
        header,
        keep_as,
        timeout,
    } = question;
    let (id, mut answered) = member.pending.register(message_type, keep_as)?;
    let header = header(id.clone());
    let waiting = Waiting { member, id };
    let message =
        Message::new(0, message_type, &header, Sensitive::default()).map_err(|_| Unanswered::Left)?;
    member.outbox.ask(&waiting.id, message);
    let (reason, unanswered) = tokio::select! {
        biased;
        answer = &mut answered => return answer.map_err(|_| Unanswered::Left),
        () = tokio::time::sleep(timeout) => (withdrawn::TIMED_OUT, Unanswered::TimedOut),
        () = gone => (withdrawn::BY_REQUESTER, Unanswered::Withdrawn),
    };
    if waiting.withdraw(reason) {
        return Err(unanswered);
    }
    // The answer is on its way, or the participant left at the same time.
    answered.await.map_err(|_| Unanswered::Left)
}

/// Somebody waits for an answer. When it stops, whoever is asked hears of it.
struct Waiting<'a> {
    member: &'a Member,
    id: RequestId,
}

impl Waiting<'_> {
    /// Takes the request back; false if it is too late for that.
    fn withdraw(&self, reason: &str) -> bool {
        if !self.member.pending.forget(&self.id) {
            return false;
        }
        let header = RequestWithdrawn {
            request_id: self.id.clone(),
            reason: reason.to_owned(),
        };
        if let Ok(message) = Message::new(0, REQUEST_WITHDRAWN, &header, Sensitive::default()) {
            self.member.outbox.withdraw(&self.id, message);
        }
        true
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.withdraw(withdrawn::BY_REQUESTER);
    }
}

#[cfg(test)]
mod tests;
