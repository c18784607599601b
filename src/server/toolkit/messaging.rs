//! The presence part of the `messaging` toolkit (protocol, "Presence").

use super::CallError;
use crate::server::participant::Participant;
use crate::wire::messaging::tool;
use crate::wire::{Content, ErrorCode};

/// Answers a call of this toolkit.
pub(super) fn answer(participant: &Participant, tool: &str) -> Result<Content, CallError> {
    if participant.caller.api.messaging.is_none() {
        return Err(CallError::new(
            ErrorCode::PermissionDenied,
            "the token has no `messaging` grant",
        ));
    }
    let rooms = &participant.state.rooms;
    let (room, id) = (&participant.room, &participant.member.id);
    match tool {
        tool::ENABLE => rooms.enable_messaging(room, id),
        tool::DISABLE => rooms.disable_messaging(room, id),
        _ => {
            return Err(CallError::new(
                ErrorCode::NotFound,
                "the `messaging` toolkit has no such tool here",
            ));
        }
    }
    Ok(Content::Empty)
}
