//! The toolkits of a room: who answers which call.

mod error;
mod secrets;

use self::error::CallError;
use super::State;
use super::credential::Caller;
use crate::wire::room::ToolInvocation;
use crate::wire::secrets::{TOOLKIT as SECRETS, tool};
use crate::wire::{Content, ErrorCode, RoomName};

/// Answers a call; a failure is an `error` content.
pub(super) async fn answer(state: &State, room: &RoomName, caller: &Caller, call: ToolInvocation) -> Content {
    let ToolInvocation { toolkit, tool, input } = call;
    let answered = match toolkit.as_str() {
        SECRETS => {
            secrets::Secrets { state, room, caller }
                .answer(&tool, input)
                .await
        }
        _ => Err(CallError::new(
            ErrorCode::NotFound,
            "this server has no such toolkit",
        )),
    };
    match answered {
        Ok(content) => {
            tracing::debug!(%room, identity = %caller.identity, tool, "done");
            content
        }
        Err(error) => {
            tracing::debug!(%room, identity = %caller.identity, tool, code = error.code().number(), "failed");
            error.into_content()
        }
    }
}

/// Whether the tool's input is bytes with headers.
pub(super) fn takes_bytes(tool_name: &str) -> bool {
    tool_name == tool::SET
}
