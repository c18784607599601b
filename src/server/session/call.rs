//! Reads the call in a message, and passes it to its toolkit.

use tokio::sync::OwnedSemaphorePermit;

use crate::server::participant::Participant;
use crate::server::toolkit::{self, Permits};
use crate::wire::messaging::TOOLKIT as MESSAGING;
use crate::wire::room::{INVOKE_TOOL, ToolInvocation};
use crate::wire::secrets::TOOLKIT as SECRETS;
use crate::wire::toolkits::ROOM;
use crate::wire::{Content, DecodeError, ErrorCode, Message};

/// Answers the call in `message`. `permit` is its permit among the participant's calls in flight.
pub(super) async fn answer(
    participant: &Participant,
    message: Message,
    permit: OwnedSemaphorePermit,
) -> (Content, Permits) {
    // The session ends soon after a revocation; a call that came in between is refused already.
    if let Err(error) = participant.state.keys.check(&participant.caller) {
        let refused = Content::error(ErrorCode::PermissionDenied, error.to_string());
        return (refused, Permits::call(permit));
    }
    let refused = |text: &str| Content::error(ErrorCode::InvalidRequest, text);
    match read_call(message) {
        Ok(Some(call)) => toolkit::answer(participant, call, permit).await,
        Ok(None) => (
            refused("this server does not know that request"),
            Permits::call(permit),
        ),
        Err(error) => (refused(&error.to_string()), Permits::call(permit)),
    }
}

/// The call in a message. None for other message types.
///
/// Requests about the room (`room.<tool>`) are message types of their own, whose header is the input. Clients before
/// March 2026 sent all calls so (`<toolkit>.<tool>`), with the value as the payload.
fn read_call(message: Message) -> Result<Option<ToolInvocation>, DecodeError> {
    if message.kind == INVOKE_TOOL {
        return ToolInvocation::from_message(message).map(Some);
    }
    let (toolkit, tool) = match message.kind.split_once('.') {
        Some((toolkit @ (SECRETS | MESSAGING | ROOM), tool)) => (toolkit.to_owned(), tool.to_owned()),
        _ => return Ok(None),
    };
    let (header, payload) = message.read()?;
    let input = if toolkit == SECRETS && toolkit::takes_bytes(&tool) {
        Content::Binary {
            headers: header,
            data: payload,
        }
    } else if toolkit == MESSAGING {
        toolkit::message_input(header, &payload)
    } else {
        Content::Json(header)
    };
    Ok(Some(ToolInvocation::new(toolkit, tool, input)))
}
