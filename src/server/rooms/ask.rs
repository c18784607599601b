//! Sends a request to a participant and waits for its reply.

use std::time::Duration;

use serde::Serialize;

use super::member::Member;
use super::pending::{Reply, RequestError};
use crate::sensitive::Sensitive;
use crate::server::store::SecretRecord;
use crate::wire::secrets::request::{REQUEST_WITHDRAWN, RequestWithdrawn, withdrawn};
use crate::wire::{Identity, Message, RequestId};

/// A request that is to be sent.
pub(in crate::server) struct NewRequest<F> {
    /// Type of the message that asks. The call that replies must be for the same type.
    pub(in crate::server) message_type: &'static str,
    /// Makes the message's header from the id of the request.
    pub(in crate::server) header: F,
    /// How a provided value is stored before the requester gets it. None if the requester's call deals with it.
    pub(in crate::server) keep_as: Option<SecretRecord>,
    /// How long the participant has to reply.
    pub(in crate::server) timeout: Duration,
}

/// Asks `member` for `requester`, and waits for the reply. Fails at once if the member's token does not let it reply.
/// The request is withdrawn when `requester_left` completes first, and when the future is dropped.
pub(in crate::server) async fn ask<F, H>(
    member: &Member,
    requester: &Identity,
    request: NewRequest<F>,
    requester_left: impl Future<Output = ()>,
) -> Result<Reply, RequestError>
where
    F: FnOnce(RequestId) -> H,
    H: Serialize,
{
    let NewRequest {
        message_type,
        header,
        keep_as,
        timeout,
    } = request;
    if !member.may_answer {
        return Err(RequestError::MayNotAnswer);
    }
    let (id, mut replied) = member.pending.register(requester, message_type, keep_as)?;
    let header = header(id.clone());
    let request = WithdrawOnDrop { member, id };
    let message = Message::new(0, message_type, &header, Sensitive::default())
        .map_err(|_| RequestError::ParticipantLeft)?;
    member.outbox.ask(&request.id, message);
    let (reason, error) = tokio::select! {
        biased;
        reply = &mut replied => return reply.map_err(|_| RequestError::ParticipantLeft),
        () = tokio::time::sleep(timeout) => (withdrawn::TIMED_OUT, RequestError::TimedOut),
        () = requester_left => (withdrawn::BY_REQUESTER, RequestError::Withdrawn),
    };
    if request.withdraw(reason) {
        return Err(error);
    }
    // The participant is replying at this moment, or has left.
    replied.await.map_err(|_| RequestError::ParticipantLeft)
}

/// A request that was sent. Dropping it withdraws the request, unless it was replied to.
struct WithdrawOnDrop<'a> {
    member: &'a Member,
    id: RequestId,
}

impl WithdrawOnDrop<'_> {
    /// Withdraws the request and tells the participant. False if the participant is replying already.
    fn withdraw(&self, reason: &str) -> bool {
        if !self.member.pending.forget(&self.id) {
            return false;
        }
        let header = RequestWithdrawn {
            request_id: self.id.clone(),
            reason: reason.to_owned(),
        };
        let message = Message::new(0, REQUEST_WITHDRAWN, &header, Sensitive::default()).ok();
        let message = message.filter(|_| self.member.accepts.request_withdrawn);
        self.member.outbox.withdraw(&self.id, message);
        true
    }
}

impl Drop for WithdrawOnDrop<'_> {
    fn drop(&mut self) {
        self.withdraw(withdrawn::BY_REQUESTER);
    }
}

#[cfg(test)]
#[path = "ask_tests.rs"]
mod tests;
