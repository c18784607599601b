//! Reads calls and has them answered.

use crate::server::participant::{Participant, Place};
use crate::server::toolkit;
use crate::wire::room::{INVOKE_TOOL, ToolInvocation};
use crate::wire::secrets::{LEGACY_PREFIX, TOOLKIT};
use crate::wire::{Content, DecodeError, ErrorCode, Message};

/// Answers a call. `place` is its place among the calls that are worked on.
pub(super) async fn answer(participant: &Participant, message: Message, place: &mut Place) -> Content {
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
    toolkit::answer(participant, call, place).await
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
