//! The toolkits of a room: who answers which call.

mod deliver;
mod error;
mod input;
mod load;
mod messaging;
mod oauth;
mod participant_request;
mod requests;
mod secrets;

use self::error::CallError;
use super::participant::{Participant, Place};
use crate::wire::messaging::TOOLKIT as MESSAGING;
use crate::wire::room::ToolInvocation;
use crate::wire::secrets::{TOOLKIT as SECRETS, tool};
use crate::wire::{Content, ErrorCode};

/// Answers a call; a failure is an `error` content. `place` is the call's place among those that are
/// worked on.
pub(super) async fn answer(participant: &Participant, call: ToolInvocation, place: &mut Place) -> Content {
    let ToolInvocation { toolkit, tool, input } = call;
    let answered = match toolkit.as_str() {
        SECRETS => answer_secrets(participant, &tool, input, place).await,
        MESSAGING => messaging::answer(participant, &tool),
        _ => Err(CallError::new(
            ErrorCode::NotFound,
            "this server has no such toolkit",
        )),
    };
    let (room, identity) = (&participant.room, &participant.caller.identity);
    match answered {
        Ok(content) => {
            tracing::debug!(%room, %identity, tool, "done");
            content
        }
        Err(error) => {
            tracing::debug!(%room, %identity, tool, code = error.code().number(), "failed");
            error.into_content()
        }
    }
}

async fn answer_secrets(
    participant: &Participant,
    tool: &str,
    input: Content,
    place: &mut Place,
) -> Result<Content, CallError> {
    if participant.caller.api.secrets.is_none() {
        return Err(CallError::new(
            ErrorCode::PermissionDenied,
            "the token has no `secrets` grant",
        ));
    }
    let requests = requests::Requests { participant };
    let oauth = oauth::OAuth { participant };
    match tool {
        tool::REQUEST_OAUTH => oauth.request(input.into_json()?, place).await,
        tool::PROVIDE_OAUTH => oauth.provide(input.into_json()?),
        tool::OFFLINE_OAUTH => oauth.offline(input.into_json()?).await,
        tool::REQUEST => requests.request(input.into_json()?, place).await,
        tool::PROVIDE => {
            let (headers, value) = input.into_binary()?;
            requests.provide(headers, value).await
        }
        tool::DELETE_REQUESTED => requests.delete(input.into_json()?).await,
        _ => {
            let secrets = secrets::Secrets { participant };
            secrets.answer(tool, input, place).await
        }
    }
}

/// Whether the tool's input is bytes with headers.
pub(super) fn takes_bytes(tool_name: &str) -> bool {
    matches!(tool_name, tool::SET | tool::PROVIDE)
}
