//! The reading half of a participant's socket: starts a task for each call.

use std::sync::Arc;

use axum::extract::ws::WebSocket;
use futures_util::stream::SplitStream;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::spawn_blocking;

use super::last_seen::LastSeen;
use super::upload::{Received, Uploads};
use super::{Response, SessionEnd, call};
use crate::server::participant::Participant;
use crate::server::toolkit::Permits;
use crate::wire::room::{SET_ATTRIBUTES, read_response, response};
use crate::wire::toolkits::{TOOL_CALL_RESPONSE, TOOL_CALL_RESPONSE_CHUNK};
use crate::wire::{Content, DecodeError, ErrorCode, Message};

/// Rows from which a list is long.
const LONG_LIST: usize = 128;

/// Reads messages until the participant leaves or breaks the protocol. The answers to calls go to `responses`.
pub(super) async fn run(
    stream: SplitStream<WebSocket>,
    participant: Arc<Participant>,
    responses: mpsc::Sender<Response>,
    last_seen: LastSeen,
) -> SessionEnd {
    let limits = &participant.state.config.limits;
    let mut uploads = Uploads::new(stream, last_seen, &participant.memory, limits);
    let calls = Arc::new(Semaphore::new(limits.calls_in_flight));
    loop {
        let Received {
            message_id,
            call,
            mut memory,
        } = match uploads.next().await {
            Ok(received) => received,
            Err(end) => return end,
        };
        let call = match call {
            Ok(message) if message.kind == SET_ATTRIBUTES => {
                set_attributes(&participant, message);
                continue;
            }
            Ok(message) if message.kind == TOOL_CALL_RESPONSE => {
                let id = message.id;
                let content = read_response(message)
                    .unwrap_or_else(|error| Content::error(ErrorCode::OperationFailed, error.to_string()));
                participant.member.relay.answer(id, (content, memory));
                continue;
            }
            Ok(message) if message.kind == TOOL_CALL_RESPONSE_CHUNK => {
                // A chunk that cannot be read is ignored: it belongs to no call.
                if let Ok((chunk, payload)) = message.read() {
                    let member = &participant.member;
                    member.relay.chunk(&member.identity, chunk, payload, memory);
                }
                continue;
            }
            call => call,
        };
        // Further messages stay in the socket while too many calls are in flight.
        let Ok(permit) = Arc::clone(&calls).acquire_owned().await else {
            return SessionEnd::Left;
        };
        let (participant, responses) = (Arc::clone(&participant), responses.clone());
        tokio::spawn(async move {
            let (content, mut permits) = match call {
                Ok(message) => call::answer(&participant, message, permit).await,
                Err(error) => (error, Permits::call(permit)),
            };
            // The input is not needed any more.
            if let Some(memory) = &mut memory {
                memory.shrink(0);
            }
            if let Ok(message) = encode(message_id, content).await {
                permits.shrink(message.data_len());
                // The session may have ended.
                let _ = responses.send(Response::new(message, permits, memory)).await;
            }
        });
    }
}

/// Changes the participant's attributes. A message that cannot be read changes none.
fn set_attributes(participant: &Participant, message: Message) {
    if let Ok((attributes, _)) = message.read() {
        let rooms = &participant.state.rooms;
        rooms.set_attributes(&participant.room, &participant.member.id, attributes);
    }
}

/// The message that answers a call. A long list is encoded on a thread that serves no participant, because that takes
/// milliseconds.
async fn encode(message_id: u64, content: Content) -> Result<Message, DecodeError> {
    let is_long = match &content {
        Content::Json(object) => object
            .values()
            .any(|value| value.as_array().is_some_and(|list| list.len() > LONG_LIST)),
        _ => false,
    };
    if !is_long {
        return response(message_id, content);
    }
    let encoded = spawn_blocking(move || response(message_id, content)).await;
    encoded.unwrap_or(Err(DecodeError::Skipped))
}
