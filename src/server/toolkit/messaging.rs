//! The `messaging` toolkit: presence, and messages between participants (protocol, "Presence" and "Messages of
//! participants").

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt as _;
use serde_json::{Value, json};

use super::CallError;
use super::answer::Outcome;
use crate::sensitive::SecretValue;
use crate::server::participant::Participant;
use crate::server::rooms::{Member, RelayError};
use crate::token::MessagingGrant;
use crate::wire::messaging::{RoomMessage, SEND, SendMessage, event, tool};
use crate::wire::{Content, ErrorCode, Header, Message, ParticipantId};

/// Largest message to all participants, in bytes with its attachment: each of them gets a copy.
const MAX_BROADCAST_BYTES: usize = 64 << 10;

/// Longest type of a message, in bytes.
const MAX_TYPE_BYTES: usize = 256;

/// Answers a call of this toolkit.
pub(super) fn answer<'a>(
    participant: &'a Participant,
    tool: &str,
    input: Content,
) -> Result<Outcome<'a>, CallError> {
    let grant = participant.caller.api.messaging.as_ref();
    let grant = grant.ok_or_else(|| denied("the token has no `messaging` grant"))?;
    let rooms = &participant.state.rooms;
    let (room, id) = (&participant.room, &participant.member.id);
    match tool {
        tool::ENABLE => rooms.enable_messaging(room, id),
        tool::DISABLE => rooms.disable_messaging(room, id),
        tool::SEND => return send(participant, grant, input.into_json()?),
        tool::BROADCAST => broadcast(participant, grant, input.into_json()?)?,
        _ => {
            return Err(CallError::new(
                ErrorCode::NotFound,
                "the `messaging` toolkit has no such tool here",
            ));
        }
    }
    Ok(Content::Empty.into())
}

/// The input of a message in the form of clients before March 2026: the message is a member of the header, and the
/// attachment the payload.
pub(in crate::server) fn message_input(mut header: Header, payload: &SecretValue) -> Content {
    if let Some(message) = header.remove("message") {
        header.insert("message_json".to_owned(), message.to_string().into());
    }
    if !payload.expose().is_empty() {
        let attachment = STANDARD.encode(payload.expose());
        header.insert("attachment_base64".to_owned(), attachment.into());
    }
    Content::Json(header)
}

/// `send`: the call is answered when the message is written to the other's socket.
fn send<'a>(
    participant: &'a Participant,
    grant: &MessagingGrant,
    input: SendMessage,
) -> Result<Outcome<'a>, CallError> {
    if !grant.send {
        return Err(denied("the token does not let it send messages"));
    }
    let to = input.to_participant_id.clone().map(ParticipantId::new);
    let to = to.and_then(Result::ok);
    let to = to.and_then(|id| participant.state.rooms.member(&participant.room, &id));
    let to = to.ok_or_else(|| {
        CallError::new(
            ErrorCode::NotFound,
            "there is no participant of that id in the room",
        )
    })?;
    let message = message(participant, input)?;
    let waiting = async move {
        let written = push(participant, &to, message)?;
        written.await.map_err(|_| RelayError::Left)?;
        Ok(Content::Empty.into())
    };
    Ok(Outcome::Wait(waiting.boxed()))
}

/// `broadcast`: a participant that has too much to take already does not get the message.
fn broadcast(participant: &Participant, grant: &MessagingGrant, input: SendMessage) -> Result<(), CallError> {
    if !grant.broadcast {
        return Err(denied("the token does not let it send messages to all"));
    }
    let message = message(participant, input)?;
    if message.data_len() > MAX_BROADCAST_BYTES {
        return Err(CallError::new(
            ErrorCode::InvalidRequest,
            format!("a message to all has at most {MAX_BROADCAST_BYTES} bytes here"),
        ));
    }
    let rooms = &participant.state.rooms;
    for other in rooms.audience(&participant.room, &participant.member.id) {
        if let Err(error) = push(participant, &other, message.clone()) {
            tracing::debug!(?error, to = %other.id, "a message to all was not sent to one");
        }
    }
    Ok(())
}

fn push(
    participant: &Participant,
    to: &Arc<Member>,
    message: Message,
) -> Result<tokio::sync::oneshot::Receiver<()>, RelayError> {
    to.relay.send(&participant.caller.identity, message)
}

/// The message, as the recipient gets it.
fn message(participant: &Participant, input: SendMessage) -> Result<Message, CallError> {
    let invalid = |text: &str| CallError::new(ErrorCode::InvalidRequest, text);
    let message: Value = match input.message_json.as_str() {
        "" => json!({}),
        text => serde_json::from_str(text).map_err(|_| invalid("`message_json` is no JSON"))?,
    };
    let Value::Object(message) = message else {
        return Err(invalid("`message_json` is no JSON object"));
    };
    // What the server says of participants can only come from the server.
    let is_reserved = [
        event::ENABLED,
        event::PARTICIPANT_ENABLED,
        event::PARTICIPANT_DISABLED,
        event::PARTICIPANT_ATTRIBUTES,
    ]
    .contains(&input.message_type.as_str());
    if is_reserved || input.message_type.len() > MAX_TYPE_BYTES {
        return Err(invalid(
            "`type` is not usable: it is too long, or one of the server's own",
        ));
    }
    let attachment = input.attachment_base64.unwrap_or_default();
    let attachment = STANDARD.decode(attachment);
    let attachment = attachment.map_err(|_| invalid("`attachment_base64` is no base64"))?;
    let header = RoomMessage {
        from_participant_id: participant.member.id.to_string(),
        message_type: input.message_type,
        message,
    };
    Ok(Message::new(0, SEND, &header, attachment.into())?)
}

fn denied(text: &str) -> CallError {
    CallError::new(ErrorCode::PermissionDenied, text)
}
