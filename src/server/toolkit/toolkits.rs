//! The toolkits that participants host: who hosts which, and calls of them (protocol, "Toolkits of participants").

use std::sync::Arc;

use futures_util::FutureExt as _;
use uuid::Uuid;

use super::CallError;
use super::answer::{Answer, Outcome};
use super::input::invalid;
use crate::server::participant::Participant;
use crate::server::rooms::{
    Host, HostedResponse, MAX_ROOM_TOOLKITS, MAX_TOOLKITS, RegistrationError, RelayError, StreamCall,
};
use crate::token::AgentsGrant;
use crate::wire::room::CallRoute;
use crate::wire::toolkits::{
    HostedCall, ListToolkits, RegisterToolkit, TOOL_CALL_PREFIX, ToolkitId, ToolkitList,
};
use crate::wire::{Content, ErrorCode, Message, NameError};

/// Largest description of a toolkit, in bytes of JSON.
const MAX_TOOLKIT_BYTES: usize = 64 << 10;

/// Longest name of a toolkit, in bytes: it is a part of the type of messages.
const MAX_TOOLKIT_NAME_BYTES: usize = 128;

/// Names of toolkits of the server: a participant cannot host one of these.
const OF_SERVER: [&str; 4] = ["secrets", "messaging", "storage", "room"];

/// The tools about toolkits, for one call. Clients send them as message types of their own, `room.<tool>`.
#[derive(Clone, Copy)]
pub(super) struct Toolkits<'a> {
    pub(super) participant: &'a Participant,
}

impl<'a> Toolkits<'a> {
    /// Answers `room.<tool>`.
    pub(super) fn answer(self, tool: &str, input: Content) -> Result<Content, CallError> {
        match tool {
            "list_toolkits" => self.list(&input.into_json()?),
            "register_toolkit" => self.register(input.into_json()?),
            "unregister_toolkit" => self.unregister(&input.into_json()?),
            _ => Err(CallError::new(
                ErrorCode::NotFound,
                "this server has no such request about the room",
            )),
        }
    }

    fn list(self, input: &ListToolkits) -> Result<Content, CallError> {
        self.grant()?;
        let Participant { room, member, .. } = self.participant;
        let tools = self.participant.state.rooms.toolkits(room, &member.id, input);
        Ok(Content::json(&ToolkitList { tools })?)
    }

    fn register(self, input: RegisterToolkit) -> Result<Content, CallError> {
        let grant = self.grant()?;
        let is_public = input.public.unwrap_or_default();
        if !(if is_public {
            grant.register_public_toolkit
        } else {
            grant.register_private_toolkit
        }) {
            return Err(denied("the token does not let it host a toolkit"));
        }
        check_name(&input.name)?;
        let size = serde_json::to_vec(&input).map_or(usize::MAX, |json| json.len());
        if size > MAX_TOOLKIT_BYTES {
            return Err(CallError::new(
                ErrorCode::InvalidRequest,
                format!("the description of a toolkit has at most {MAX_TOOLKIT_BYTES} bytes here"),
            ));
        }
        let Participant { room, member, .. } = self.participant;
        let registered = self
            .participant
            .state
            .rooms
            .register_toolkit(room, &member.id, input);
        Ok(Content::json(&ToolkitId { id: registered? })?)
    }

    fn unregister(self, input: &ToolkitId) -> Result<Content, CallError> {
        let Participant { room, member, .. } = self.participant;
        let rooms = &self.participant.state.rooms;
        if rooms.unregister_toolkit(room, &member.id, &input.id) {
            Ok(Content::Empty)
        } else {
            Err(CallError::new(
                ErrorCode::NotFound,
                "you host no toolkit of that id",
            ))
        }
    }

    /// Puts a call to the host of the toolkit.
    pub(super) fn call(
        self,
        toolkit: &str,
        tool: String,
        input: Content,
        route: CallRoute,
    ) -> Result<Outcome<'a>, CallError> {
        let participant = self.participant;
        let not_there = || CallError::new(ErrorCode::NotFound, "the room has no such toolkit");
        // Without the grant, nothing tells which toolkits there are.
        let grant = participant.caller.api.agents.as_ref().ok_or_else(not_there)?;
        if !grant.allows_toolkit(toolkit) {
            return Err(denied("the token does not let it call this toolkit"));
        }
        let rooms = &participant.state.rooms;
        let host = match rooms.toolkit_host(&participant.room, toolkit, route.participant_id.as_deref()) {
            Host::Found(host) => host,
            Host::None => return Err(not_there()),
            Host::Several => {
                return Err(CallError::new(
                    ErrorCode::Conflict,
                    "several participants host a toolkit of that name: name one as `participant_id`",
                ));
            }
        };
        if matches!(input, Content::Control(_)) {
            return Err(CallError::new(
                ErrorCode::InvalidRequest,
                "this server takes no stream as the input of a toolkit",
            ));
        }
        let (arguments, payload) = input.into_parts();
        // Callers choose theirs as they like: the host must be able to tell them apart.
        let host_call_id = Uuid::new_v4().to_string();
        let stream = StreamCall {
            caller: Arc::clone(&participant.member),
            caller_call_id: route.tool_call_id.unwrap_or_default(),
            host_call_id: host_call_id.clone(),
        };
        let header = HostedCall {
            name: tool,
            arguments,
            caller_id: participant.member.id.to_string(),
            on_behalf_of_id: route.on_behalf_of_id,
            tool_call_id: Some(host_call_id),
            caller_context: route.caller_context,
        };
        let message = Message::new(0, format!("{TOOL_CALL_PREFIX}{toolkit}"), &header, payload)?;
        let waiting = async move {
            let answered = host.relay.call(&participant.caller.identity, message, stream)?;
            let answered = tokio::select! {
                answered = answered => answered,
                () = participant.disconnected.cancelled() => return Err(failed("the server is stopping")),
            };
            answer(participant, answered.map_err(|_| RelayError::Left)?).await
        };
        Ok(Outcome::Wait(waiting.boxed()))
    }

    fn grant(self) -> Result<&'a AgentsGrant, CallError> {
        let grant = self.participant.caller.api.agents.as_ref();
        grant.ok_or_else(|| denied("the token has no `agents` grant"))
    }
}

/// The host's answer, as the caller gets it: it takes a share of the caller's response budget.
async fn answer(participant: &Participant, (content, memory): HostedResponse) -> Result<Answer, CallError> {
    let bytes = match &content {
        Content::File { data, .. } | Content::Binary { data, .. } => data.expose().len(),
        _ => 0,
    };
    let budget = participant.response_budget.take(bytes).await?;
    drop(memory);
    Ok(Answer {
        content,
        budget: Some(budget),
    })
}

fn check_name(name: &str) -> Result<(), CallError> {
    let unusable = |error| Err(invalid("name", error));
    match name {
        "" => unusable(NameError::Empty),
        _ if name.len() > MAX_TOOLKIT_NAME_BYTES => unusable(NameError::TooLong {
            limit: MAX_TOOLKIT_NAME_BYTES,
        }),
        _ if name.chars().any(char::is_control) => unusable(NameError::ControlCharacter),
        _ if OF_SERVER.contains(&name) => Err(CallError::new(
            ErrorCode::AlreadyExists,
            "the server has a toolkit of that name itself",
        )),
        _ => Ok(()),
    }
}

fn denied(text: &str) -> CallError {
    CallError::new(ErrorCode::PermissionDenied, text)
}

fn failed(text: &str) -> CallError {
    CallError::new(ErrorCode::OperationFailed, text)
}

impl From<RegistrationError> for CallError {
    fn from(error: RegistrationError) -> Self {
        match error {
            RegistrationError::Exists => Self::new(
                ErrorCode::AlreadyExists,
                "you host a toolkit of that name already",
            ),
            RegistrationError::TooMany => failed(&format!(
                "you host {MAX_TOOLKITS} toolkits already, which is the limit"
            )),
            RegistrationError::TooManyInRoom => failed(&format!(
                "the room has {MAX_ROOM_TOOLKITS} toolkits already, which is the limit"
            )),
            RegistrationError::Left => failed("the participant is gone"),
        }
    }
}

impl From<RelayError> for CallError {
    fn from(error: RelayError) -> Self {
        match error {
            RelayError::Left => failed("the participant left without an answer"),
            RelayError::TooManyOfSender(limit) => failed(&format!(
                "{limit} messages and calls of yours are under way to the participant, which is the limit for one identity"
            )),
            RelayError::TooMany(limit) => failed(&format!(
                "{limit} messages and calls are under way to the participant, which is the limit"
            )),
        }
    }
}
