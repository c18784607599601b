//! One participant's connection: reads calls, works on many at once, writes answers and what is pushed.

mod call;
mod expiry;
mod last_seen;
mod writer;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message as SocketMessage, WebSocket, close_code};
use futures_util::StreamExt;
use futures_util::stream::SplitStream;
use serde_json::json;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::timeout;

use self::last_seen::LastSeen;
use self::writer::Writer;
use super::caller::Caller;
use super::clock;
use super::connections::Guest;
use super::fair_store::FairStore;
use super::participant::{Participant, Place, Response};
use super::response_budget::ResponseBudget;
use super::state::State;
use crate::sensitive::Sensitive;
use crate::wire::messaging::NAME;
use crate::wire::room::{CONNECTED, Connected, ROOM_READY, RoomReady, SET_ATTRIBUTES, response};
use crate::wire::{
    Assembled, Assembler, Content, DecodeError, ErrorCode, Header, MAX_HEADER_BYTES, Message, RoomName,
};

/// Answers that wait for a participant's socket.
const MAX_QUEUED_ANSWERS: usize = 16;

/// How long a participant may take to hear what it waits for when the server stops. Less than the server
/// waits for its connections: they are to end in order.
const LAST_ANSWERS: Duration = Duration::from_secs(3);

/// Who joins which room.
pub(super) struct Entry {
    pub(super) room: RoomName,
    pub(super) caller: Caller,
    pub(super) url: Option<String>,
}

/// Why a session ended.
enum Ending {
    /// The participant left, or its connection broke.
    Left,
    /// We end it, with this close code and reason.
    Close(u16, String),
}

/// Serves a participant until it leaves, breaks the protocol, falls silent, its token expires, or the server stops.
pub(super) async fn run(state: Arc<State>, mut guest: Guest, socket: WebSocket, entry: Entry) {
    let limits = &state.config.limits;
    let presence = state.rooms.enter(entry.room.clone(), &entry.caller, limits);
    let participant_id = presence.member.id.clone();
    tracing::info!(room = %entry.room, identity = %entry.caller.identity, role = ?entry.caller.role,
        %participant_id, "joined");
    let (sink, stream) = socket.split();
    let (answers, queue) = mpsc::channel(MAX_QUEUED_ANSWERS);
    let token_ends = entry.caller.expires_at;
    let heard = LastSeen::now();
    let member = Arc::clone(&presence.member);
    let mut writer = Writer::new(sink, queue, member, heard.clone(), limits);
    let greeted = greet(&mut writer, &entry, &presence.session_id, participant_id.as_str()).await;
    let (here, leaving) = watch::channel(());
    let lane = Arc::new((entry.room.clone(), entry.caller.identity.clone()));
    let participant = Participant {
        state: Arc::clone(&state),
        store: Arc::new(FairStore::new(
            Arc::clone(&state.store),
            state.queues.clone(),
            lane,
        )),
        room: entry.room,
        caller: entry.caller,
        member: Arc::clone(&presence.member),
        waiting: Arc::new(Semaphore::new(
            limits.pending_requests.min(Semaphore::MAX_PERMITS),
        )),
        answers,
        response_budget: ResponseBudget::new(limits.value_bytes),
        leaving,
    };
    let ending = if greeted.is_err() {
        Ending::Left
    } else {
        let here = here;
        // Never cut short in the middle of a message, unless it is the last.
        let mut writing = pin!(writer.run());
        tokio::select! {
            ending = read(stream, participant, heard) => ending,
            ending = &mut writing => ending,
            () = expiry::expired(token_ends, clock::now) => {
                Ending::Close(close_code::POLICY, "the token has expired".to_owned())
            }
            () = guest.stopping() => {
                // It waits for nobody's answer any more. Every call in flight is answered; with the last
                // of them the writer is done.
                drop(here);
                if timeout(LAST_ANSWERS, writing).await.is_err() {
                    tracing::debug!(%participant_id, "stopped with calls unanswered");
                }
                Ending::Close(close_code::AWAY, "the server is stopping".to_owned())
            }
        }
    };
    // Others hear that it has left before it may have heard why.
    drop(presence);
    if let Ending::Close(code, reason) = ending {
        tracing::info!(%participant_id, code, reason, "closing");
        let reason = reason.into();
        // Whoever broke the protocol or fell silent may not hear it.
        writer.close(CloseFrame { code, reason }).await;
    }
    tracing::info!(%participant_id, "left");
}

/// `room_ready`, then `connected`.
async fn greet(writer: &mut Writer, entry: &Entry, session_id: &str, participant_id: &str) -> Result<(), ()> {
    let ready = RoomReady {
        room_name: entry.room.to_string(),
        room_url: entry.url.clone(),
        session_id: Some(session_id.to_owned()),
    };
    let mut attributes = Header::new();
    attributes.insert(NAME.to_owned(), json!(entry.caller.identity));
    let connected = Connected {
        event: "init".to_owned(),
        participant_id: participant_id.to_owned(),
        attributes,
    };
    for message in [
        Message::new(0, ROOM_READY, &ready, Sensitive::default()),
        Message::new(0, CONNECTED, &connected, Sensitive::default()),
    ] {
        writer.push(message.map_err(drop)?).await?;
    }
    writer.flush().await
}

/// Reads messages and starts the calls they are.
async fn read(mut stream: SplitStream<WebSocket>, participant: Participant, heard: LastSeen) -> Ending {
    let limits = &participant.state.config.limits;
    let mut assembler = Assembler::new(limits.value_bytes.saturating_add(MAX_HEADER_BYTES));
    let places = Arc::new(Semaphore::new(limits.calls_in_flight));
    loop {
        let packet = match stream.next().await {
            Some(Ok(SocketMessage::Binary(packet))) => packet,
            Some(Ok(SocketMessage::Close(_)) | Err(_)) | None => return Ending::Left,
            Some(Ok(_)) => {
                heard.again();
                continue;
            }
        };
        heard.again();
        let (id, work) = match assembler.push(&packet) {
            Ok(Assembled::Pending) => continue,
            Ok(Assembled::Message(message)) if message.kind == SET_ATTRIBUTES => {
                participant.set_attributes(message);
                continue;
            }
            Ok(Assembled::Message(message)) => (message.id, Ok(message)),
            Ok(Assembled::Unreadable {
                message_id, error, ..
            }) => (message_id, Err(unreadable(&error, limits.value_bytes))),
            Err(error) => return Ending::Close(close_code::PROTOCOL, error.to_string()),
        };
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return Ending::Left;
        };
        let participant = participant.clone();
        tokio::spawn(async move {
            let mut place = Place {
                turn: Some(place),
                room: None,
            };
            let content = match work {
                Ok(message) => call::answer(&participant, message, &mut place).await,
                Err(refusal) => refusal,
            };
            if let Ok(message) = response(id, content) {
                // The participant may have left.
                let _ = participant.answers.send(Response::new(message, place)).await;
            }
        });
    }
}

fn unreadable(error: &DecodeError, limit: usize) -> Content {
    let text = match error {
        DecodeError::TooLarge => format!("a value has at most {limit} bytes here"),
        other => other.to_string(),
    };
    Content::error(ErrorCode::InvalidRequest, text)
}
