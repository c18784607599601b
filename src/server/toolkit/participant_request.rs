//! What all requests to another participant have in common, whatever is asked.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::CallError;
use super::input::invalid;
use crate::server::participant::{Participant, Place};
use crate::server::rooms::{self, Answer, Asked, Member, Question, Unanswered};
use crate::wire::secrets::request::{DEFAULT_TIMEOUT_SECONDS, MAX_TIMEOUT_SECONDS, Requester};
use crate::wire::{Content, ErrorCode, ParticipantId, RequestId};

/// Longest reason for a rejection that is passed on, in characters.
const MAX_REASON_CHARS: usize = 1000;

/// One participant asks another.
pub(super) struct Asking<'a> {
    participant: &'a Participant,
    /// The one that is asked.
    pub(super) member: Arc<Member>,
    /// How long it has to answer.
    pub(super) timeout: Duration,
}

impl<'a> Asking<'a> {
    /// # Errors
    /// 1003 if the room has no participant of that id.
    pub(super) fn new(
        participant: &'a Participant,
        asked: String,
        timeout: Option<u64>,
    ) -> Result<Self, CallError> {
        let seconds = timeout.unwrap_or(DEFAULT_TIMEOUT_SECONDS);
        if !(1..=MAX_TIMEOUT_SECONDS).contains(&seconds) {
            return Err(CallError::new(
                ErrorCode::InvalidRequest,
                format!("`timeout` is from 1 to {MAX_TIMEOUT_SECONDS} whole seconds"),
            ));
        }
        let id = ParticipantId::new(asked).map_err(|error| invalid("participant_id", error))?;
        let member = participant.state.rooms.member(&participant.room, &id);
        let member = member.ok_or_else(|| {
            CallError::new(
                ErrorCode::NotFound,
                "there is no participant of that id in the room",
            )
        })?;
        Ok(Self {
            participant,
            member,
            timeout: Duration::from_secs(seconds),
        })
    }

    /// Who asks, as the one that is asked is told.
    pub(super) fn requester(&self) -> Requester {
        Requester {
            id: self.participant.member.id.to_string(),
            name: self.participant.caller.identity.to_string(),
        }
    }

    /// Asks, and waits for the answer. `place` becomes the call's place among those that wait.
    pub(super) async fn ask<F, H>(
        &self,
        question: Question<F>,
        place: &mut Place,
    ) -> Result<Answer, CallError>
    where
        F: FnOnce(RequestId) -> H,
        H: Serialize,
    {
        if !self.participant.begin_waiting(place) {
            return Err(CallError::new(
                ErrorCode::OperationFailed,
                "too many requests of this participant wait for an answer already",
            ));
        }
        Ok(rooms::ask(&self.member, question, self.participant.disconnected()).await?)
    }
}

/// The request of that message type that waits for this participant's answer, which nobody else can answer
/// from here on.
///
/// # Errors
/// 1003 if there is none.
pub(super) fn take(participant: &Participant, id: String, message_type: &str) -> Result<Asked, CallError> {
    // Text that no id can be is no id of a request either.
    let id = RequestId::new(id).ok();
    id.and_then(|id| participant.member.pending.take(&id, message_type))
        .ok_or_else(|| CallError::new(ErrorCode::NotFound, "no such request waits for your answer"))
}

/// No, for this reason.
pub(super) fn rejection(reason: &str) -> Answer {
    Answer::Rejected(reason.chars().take(MAX_REASON_CHARS).collect())
}

/// What whoever asked is told then.
pub(super) fn rejected(reason: &str) -> Content {
    let text = match reason.trim() {
        "" => "the participant rejected the request".to_owned(),
        reason => format!("the participant rejected the request: {reason}"),
    };
    Content::Rejected { text }
}

impl From<Unanswered> for CallError {
    fn from(unanswered: Unanswered) -> Self {
        let failed = |text| Self::new(ErrorCode::OperationFailed, text);
        match unanswered {
            Unanswered::Left => failed("the participant left without an answer"),
            Unanswered::TooMany => failed("the participant has too many requests to answer already"),
            Unanswered::TimedOut => Self::new(ErrorCode::Timeout, "the participant did not answer in time"),
            Unanswered::Withdrawn => failed("the server is stopping"),
        }
    }
}
