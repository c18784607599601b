//! What all requests to another participant have in common, whatever they ask for.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::CallError;
use super::input::invalid;
use crate::server::participant::Participant;
use crate::server::rooms::{self, Member, NewRequest, PendingRequest, Reply, RequestError};
use crate::wire::secrets::request::{DEFAULT_TIMEOUT_SECONDS, MAX_TIMEOUT_SECONDS, Requester};
use crate::wire::{Content, ErrorCode, ParticipantId, RequestId};

/// Longest reason for a rejection that is passed on, in characters.
const MAX_REASON_CHARS: usize = 1000;

/// A request of one participant to another.
pub(super) struct ParticipantRequest<'a> {
    requester: &'a Participant,
    /// The participant that is asked.
    pub(super) member: Arc<Member>,
    /// How long it has to reply.
    pub(super) timeout: Duration,
}

impl<'a> ParticipantRequest<'a> {
    /// A request of `requester` to the participant `participant_id`, which has `timeout` seconds to reply.
    ///
    /// # Errors
    /// 1003 if the room has no participant of that id; 1002 if an input is not usable.
    pub(super) fn new(
        requester: &'a Participant,
        participant_id: String,
        timeout: Option<u64>,
    ) -> Result<Self, CallError> {
        let seconds = timeout.unwrap_or(DEFAULT_TIMEOUT_SECONDS);
        if !(1..=MAX_TIMEOUT_SECONDS).contains(&seconds) {
            return Err(CallError::new(
                ErrorCode::InvalidRequest,
                format!("`timeout` is from 1 to {MAX_TIMEOUT_SECONDS} whole seconds"),
            ));
        }
        let id = ParticipantId::new(participant_id).map_err(|error| invalid("participant_id", error))?;
        let member = requester.state.rooms.member(&requester.room, &id);
        let member = member.ok_or_else(|| {
            CallError::new(
                ErrorCode::NotFound,
                "there is no participant of that id in the room",
            )
        })?;
        Ok(Self {
            requester,
            member,
            timeout: Duration::from_secs(seconds),
        })
    }

    /// The requester, as the participant that is asked sees it.
    pub(super) fn requester(&self) -> Requester {
        Requester {
            id: self.requester.member.id.to_string(),
            name: self.requester.caller.identity.to_string(),
        }
    }

    /// Sends the request and waits for the reply.
    pub(super) async fn send<F, H>(&self, request: NewRequest<F>) -> Result<Reply, CallError>
    where
        F: FnOnce(RequestId) -> H,
        H: Serialize,
    {
        let disconnected = self.requester.disconnected.cancelled();
        let requester = &self.requester.caller.identity;
        Ok(rooms::ask(&self.member, requester, request, disconnected).await?)
    }
}

/// Takes the request of that message type that waits for this participant's reply: a request is replied to
/// once.
///
/// # Errors
/// 1003 if there is none.
pub(super) fn take(
    participant: &Participant,
    id: String,
    message_type: &str,
) -> Result<PendingRequest, CallError> {
    // Text that cannot be an id is not the id of a request either.
    let id = RequestId::new(id).ok();
    id.and_then(|id| participant.member.pending.take(&id, message_type))
        .ok_or_else(|| CallError::new(ErrorCode::NotFound, "no such request waits for your answer"))
}

/// A reply that rejects the request for this reason.
pub(super) fn rejection(reason: &str) -> Reply {
    Reply::Rejected(reason.chars().take(MAX_REASON_CHARS).collect())
}

/// The answer to the requester whose request was rejected for this reason.
pub(super) fn rejected(reason: &str) -> Content {
    let text = match reason.trim() {
        "" => "the participant rejected the request".to_owned(),
        reason => format!("the participant rejected the request: {reason}"),
    };
    Content::Rejected { text }
}

impl From<RequestError> for CallError {
    fn from(error: RequestError) -> Self {
        let failed = |text: &str| Self::new(ErrorCode::OperationFailed, text);
        match error {
            RequestError::ParticipantLeft => failed("the participant left without an answer"),
            RequestError::MayNotAnswer => {
                failed("the participant cannot answer requests: its token has no `secrets` grant")
            }
            RequestError::TooMany(limit) => failed(&format!(
                "the participant has {limit} requests to answer already, which is the limit"
            )),
            RequestError::TooManyOfRequester(limit) => failed(&format!(
                "the participant has {limit} requests of yours to answer already, which is the limit for one identity"
            )),
            RequestError::TimedOut => Self::new(ErrorCode::Timeout, "the participant did not answer in time"),
            RequestError::Withdrawn => failed("the server is stopping"),
        }
    }
}
