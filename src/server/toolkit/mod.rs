//! The toolkits of a room: they check a call's input and grants, and answer it from the server's
//! [`State`](super::state::State). Below `session`, which reads the calls; above everything that they use.

mod accesses;
mod answer;
mod deliver;
mod error;
mod input;
mod list;
mod load;
mod lookup;
mod messaging;
mod oauth;
mod oauth_input;
mod oauth_stored;
mod participant_request;
mod requests;
mod secrets;
mod toolkits;

use std::sync::Arc;

use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;

pub(super) use self::answer::Permits;
use self::answer::{Answer, Outcome};
use self::error::CallError;
pub(super) use self::messaging::message_input;
use self::toolkits::Toolkits;
use super::audit::Access;
use super::metrics::CallOutcome;
use super::participant::Participant;
use super::store::AuditOutcome;
use crate::wire::messaging::TOOLKIT as MESSAGING;
use crate::wire::room::{CallRoute, ToolInvocation};
use crate::wire::secrets::{TOOLKIT as SECRETS, tool};
use crate::wire::toolkits::ROOM;
use crate::wire::{Content, ErrorCode};

/// The toolkit of files, of which this server has none.
const STORAGE: &str = "storage";

/// Answers a call; a failure is an `error` content. `in_flight` is the call's permit among the participant's
/// calls in flight. A call that waits for another participant gives it up, so that it holds up no other call.
pub(super) async fn answer(
    participant: &Participant,
    call: ToolInvocation,
    in_flight: OwnedSemaphorePermit,
) -> (Content, Permits) {
    let ToolInvocation {
        toolkit,
        tool,
        input,
        route,
    } = call;
    let timer = participant.state.metrics.calls.start(&toolkit, &tool);
    let access = Access::new(
        Arc::clone(&participant.actor),
        &participant.room,
        recorded_name(&toolkit, &tool).unwrap_or_default(),
    );
    let (answered, permit) = match dispatch(participant, &access, &toolkit, &tool, input, route).await {
        Ok(Outcome::Answer(answer)) => (Ok(answer), Some(in_flight)),
        Ok(Outcome::Wait(waiting)) => match participant.start_waiting() {
            Some(permit) => {
                drop(in_flight);
                let answered = waiting.await;
                // A value is limited by the budget alone once the wait is over.
                let has_budget = matches!(&answered, Ok(Answer { budget: Some(_), .. }));
                (answered, (!has_budget).then_some(permit))
            }
            None => (Err(too_many_waiting()), Some(in_flight)),
        },
        Err(error) => (Err(error), Some(in_flight)),
    };
    let answered = match recorded_name(&toolkit, &tool) {
        Some(_) => record(participant, &access, answered).await,
        None => answered,
    };
    let (room, identity) = (&participant.room, &participant.caller.identity);
    match answered {
        Ok(Answer { content, budget }) => {
            timer.answered(CallOutcome::Ok);
            tracing::debug!(%room, %identity, tool, "done");
            (content, Permits::with_budget(permit, budget))
        }
        Err(error) => {
            timer.answered(CallOutcome::Failed(error.code()));
            tracing::debug!(%room, %identity, tool, code = error.code().number(), "failed");
            (error.into_content(), Permits::with_budget(permit, None))
        }
    }
}

async fn dispatch<'a>(
    participant: &'a Participant,
    access: &'a Access,
    toolkit: &str,
    tool: &str,
    input: Content,
    route: CallRoute,
) -> Result<Outcome<'a>, CallError> {
    let toolkits = Toolkits { participant };
    match toolkit {
        SECRETS => secrets_toolkit(participant, access, tool, input).await,
        MESSAGING => messaging::answer(participant, tool, input),
        ROOM => Ok(toolkits.answer(tool, input)?.into()),
        STORAGE => Ok(storage(tool)?.into()),
        _ => toolkits.call(toolkit, tool.to_owned(), input, route),
    }
}

/// The `storage` toolkit of a server that keeps no files: agents list the schemas in it when they start.
fn storage(tool: &str) -> Result<Content, CallError> {
    match tool {
        "list" => Ok(Content::json(&json!({"files": []}))?),
        _ => Err(CallError::new(
            ErrorCode::NotFound,
            "this server keeps no files: the `storage` toolkit lists none, and has no other tool",
        )),
    }
}

async fn secrets_toolkit<'a>(
    participant: &'a Participant,
    access: &'a Access,
    tool: &str,
    input: Content,
) -> Result<Outcome<'a>, CallError> {
    if participant.caller.api.secrets.is_none() {
        return Err(CallError::new(
            ErrorCode::PermissionDenied,
            "the token has no `secrets` grant",
        ));
    }
    let requests = requests::Requests { participant, access };
    let oauth = oauth::OAuth { participant, access };
    let secrets = secrets::Secrets { participant, access };
    let content = match tool {
        tool::REQUEST_OAUTH => return oauth.request(input.into_json()?).await,
        tool::REQUEST => return requests.request(input.into_json()?).await,
        tool::GET => return Ok(secrets.get(input.into_json()?).await?.into()),
        tool::PROVIDE_OAUTH => oauth.provide(input.into_json()?)?,
        tool::OFFLINE_OAUTH => oauth.offline(input.into_json()?).await?,
        tool::PROVIDE => {
            let (headers, value) = input.into_binary()?;
            requests.provide(headers, value).await?
        }
        tool::DELETE_REQUESTED => requests.delete(input.into_json()?).await?,
        tool::AUDIT => {
            return Ok(accesses::accesses(participant, access, input.into_json()?)
                .await?
                .into());
        }
        tool::LIST => return Ok(list::list(participant, access, input.into_json()?).await?.into()),
        tool::SET => {
            let (headers, value) = input.into_binary()?;
            secrets.set(headers, value).await?
        }
        tool::EXISTS => secrets.exists(input.into_json()?).await?,
        tool::DELETE => secrets.delete(input.into_json()?).await?,
        _ => {
            return Err(CallError::new(
                ErrorCode::NotFound,
                "the `secrets` toolkit has no such tool",
            ));
        }
    };
    Ok(content.into())
}

/// Records how a call ended. Without that it is not answered, unless a change has recorded it already.
async fn record(
    participant: &Participant,
    access: &Access,
    answered: Result<Answer, CallError>,
) -> Result<Answer, CallError> {
    let failure = match &answered {
        Ok(Answer {
            content: Content::Rejected { .. },
            ..
        }) => Some(AuditOutcome::Denied),
        Ok(_) => None,
        Err(error) => Some(error.outcome()),
    };
    access.record(&participant.state.audit, failure).await?;
    answered
}

/// The tool's name, if its calls are in the audit log: all those about secrets.
fn recorded_name(toolkit: &str, tool: &str) -> Option<&'static str> {
    let mut recorded = tool::ALL.into_iter().filter(|_| toolkit == SECRETS);
    recorded.find(|name| *name == tool)
}

fn too_many_waiting() -> CallError {
    CallError::new(
        ErrorCode::OperationFailed,
        "too many requests of this participant wait for an answer already",
    )
}

/// Whether the tool's input is bytes with headers.
pub(super) fn takes_bytes(tool_name: &str) -> bool {
    matches!(tool_name, tool::SET | tool::PROVIDE)
}
