//! The reading half of a participant's socket: starts a task for each call.

use std::sync::Arc;

use axum::extract::ws::{Message as SocketMessage, WebSocket, close_code};
use futures_util::StreamExt;
use futures_util::stream::SplitStream;
use tokio::sync::{Semaphore, mpsc};

use super::last_seen::LastSeen;
use super::{Response, SessionEnd, call};
use crate::server::participant::Participant;
use crate::server::toolkit::Permits;
use crate::wire::room::{SET_ATTRIBUTES, response};
use crate::wire::{Assembled, Assembler, Content, DecodeError, ErrorCode, MAX_HEADER_BYTES, Message};

/// Reads messages until the participant leaves or breaks the protocol. The answers to calls go to `responses`.
pub(super) async fn run(
    mut stream: SplitStream<WebSocket>,
    participant: Arc<Participant>,
    responses: mpsc::Sender<Response>,
    last_seen: LastSeen,
) -> SessionEnd {
    let limits = &participant.state.config.limits;
    let mut assembler = Assembler::new(limits.value_bytes.saturating_add(MAX_HEADER_BYTES));
    let calls = Arc::new(Semaphore::new(limits.calls_in_flight));
    loop {
        let packet = match stream.next().await {
            Some(Ok(SocketMessage::Binary(packet))) => packet,
            Some(Ok(SocketMessage::Close(_)) | Err(_)) | None => return SessionEnd::Left,
            Some(Ok(_)) => {
                last_seen.update();
                continue;
            }
        };
        last_seen.update();
        let (id, call) = match assembler.push(&packet) {
            Ok(Assembled::Pending) => continue,
            Ok(Assembled::Message(message)) if message.kind == SET_ATTRIBUTES => {
                set_attributes(&participant, message);
                continue;
            }
            Ok(Assembled::Message(message)) => (message.id, Ok(message)),
            Ok(Assembled::Unreadable {
                message_id, error, ..
            }) => (message_id, Err(unreadable(&error, limits.value_bytes))),
            Err(error) => return SessionEnd::Close(close_code::PROTOCOL, error.to_string()),
        };
        // Further messages stay in the socket while too many calls are in flight.
        let Ok(permit) = Arc::clone(&calls).acquire_owned().await else {
            return SessionEnd::Left;
        };
        let (participant, responses) = (Arc::clone(&participant), responses.clone());
        tokio::spawn(async move {
            let (content, permits) = match call {
                Ok(message) => call::answer(&participant, message, permit).await,
                Err(error) => (error, Permits::call(permit)),
            };
            if let Ok(message) = response(id, content) {
                // The session may have ended.
                let _ = responses.send(Response::new(message, permits)).await;
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

fn unreadable(error: &DecodeError, limit: usize) -> Content {
    let text = match error {
        DecodeError::TooLarge => format!("a value has at most {limit} bytes here"),
        other => other.to_string(),
    };
    Content::error(ErrorCode::InvalidRequest, text)
}
