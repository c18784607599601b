//! The participant whose calls are answered.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

use super::Answer;
use super::answer_room::AnswerRoom;
use crate::server::credential::Caller;
use crate::server::rooms::Member;
use crate::server::{State, toolkit};
use crate::wire::room::{INVOKE_TOOL, ToolInvocation};
use crate::wire::secrets::{LEGACY_PREFIX, TOOLKIT};
use crate::wire::{Content, DecodeError, ErrorCode, Message, RoomName};

/// What a call holds until its answer is written.
#[derive(Debug, Default)]
pub(in crate::server) struct Place {
    /// Among the calls that are worked on, or among those that wait for another participant.
    pub(in crate::server) turn: Option<OwnedSemaphorePermit>,
    /// In memory, for an answer with a value.
    pub(in crate::server) room: Option<OwnedSemaphorePermit>,
}

/// A participant, for the length of a call.
#[derive(Clone)]
pub(in crate::server) struct Participant {
    pub(in crate::server) state: Arc<State>,
    pub(in crate::server) room: RoomName,
    pub(in crate::server) caller: Caller,
    pub(in crate::server) member: Arc<Member>,
    /// Places for calls that wait for another participant.
    pub(super) waiting: Arc<Semaphore>,
    /// Where its answers go.
    pub(super) answers: mpsc::Sender<Answer>,
    /// Room for the values in them.
    pub(in crate::server) answer_room: AnswerRoom,
    /// Closes when the session ends.
    pub(super) leaving: watch::Receiver<()>,
}

impl Participant {
    /// Lets a call that waits for another participant give up its place among the calls that are worked
    /// on, so that it holds up no other. False if too many wait already.
    pub(in crate::server) fn begin_waiting(&self, place: &mut Place) -> bool {
        let waiting = Arc::clone(&self.waiting).try_acquire_owned();
        waiting.map(|waiting| place.turn = Some(waiting)).is_ok()
    }

    /// Waits until the participant leaves, or the server stops.
    pub(in crate::server) async fn gone(&self) {
        let mut leaving = self.leaving.clone();
        // Nothing is ever sent: the channel closes with the session.
        while leaving.changed().await.is_ok() {}
    }

    /// Waits until nothing is written to the participant any more.
    pub(in crate::server) async fn deaf(&self) {
        self.answers.closed().await;
    }

    /// Answers a call. `place` is its place among the calls that are worked on.
    pub(super) async fn answer(&self, message: Message, place: &mut Place) -> Content {
        let call = match read_call(message) {
            Ok(call) => call,
            Err(error) => return Content::error(ErrorCode::InvalidRequest, error.to_string()),
        };
        let Some(call) = call else {
            return Content::error(
                ErrorCode::InvalidRequest,
                "this server does not know that request",
            );
        };
        toolkit::answer(self, call, place).await
    }

    /// Takes what the participant says of itself; a message that cannot be read says nothing.
    pub(super) fn set_attributes(&self, message: Message) {
        if let Ok((attributes, _)) = message.read() {
            let rooms = &self.state.rooms;
            rooms.set_attributes(&self.room, &self.member.id, attributes);
        }
    }
}

/// The call that a message makes, in today's form or in that of clients before March 2026
/// (`secrets.<tool>`, its header the input, its payload the value). None for other types.
fn read_call(message: Message) -> Result<Option<ToolInvocation>, DecodeError> {
    if message.kind == INVOKE_TOOL {
        return ToolInvocation::from_message(message).map(Some);
    }
    let Some(tool) = message.kind.strip_prefix(LEGACY_PREFIX).map(str::to_owned) else {
        return Ok(None);
    };
    let (header, payload) = message.read()?;
    let input = if toolkit::takes_bytes(&tool) {
        Content::Binary {
            headers: header,
            data: payload,
        }
    } else {
        Content::Json(header)
    };
    Ok(Some(ToolInvocation {
        toolkit: TOOLKIT.to_owned(),
        tool,
        input,
    }))
}
