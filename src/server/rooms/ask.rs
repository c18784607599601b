//! Asking a participant, and waiting for its answer.

use std::time::Duration;

use serde::Serialize;

use super::member::Member;
use super::pending::{Answer, Unanswered};
use crate::sensitive::Sensitive;
use crate::server::store::SecretRecord;
use crate::wire::secrets::request::{REQUEST_WITHDRAWN, RequestWithdrawn, withdrawn};
use crate::wire::{Message, RequestId};

/// What is asked.
pub(in crate::server) struct Question<F> {
    /// Type of the message that asks; an answer must be of the same.
    pub(in crate::server) message_type: &'static str,
    /// The message's header, once the request has an id.
    pub(in crate::server) header: F,
    /// How the answer is stored before it is handed on; none if whoever asks sees to that.
    pub(in crate::server) keep_as: Option<SecretRecord>,
    /// Time to answer.
    pub(in crate::server) timeout: Duration,
}

/// Asks `member`, and waits for its answer. The request is taken back when `gone` is done first, and when
/// whoever waits stops waiting.
pub(in crate::server) async fn ask<F, H>(
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
#[path = "ask_tests.rs"]
mod tests;
