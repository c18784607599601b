//! The session of a participant: reads its calls, works on many at a time, and writes the answers and what is
//! pushed. Below `http`, which upgrades the connection; above `toolkit`, which answers the calls.

mod call;
mod expiry;
mod last_seen;
mod progress;
mod reader;
mod upload;
mod writer;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, WebSocket, close_code};
use futures_util::StreamExt;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::timeout;

use self::last_seen::LastSeen;
use self::writer::{Response, Writer};
use super::caller::Caller;
use super::connections::OpenConnection;
use super::participant::Participant;
use super::state::State;
use crate::clock;
use crate::sensitive::Sensitive;
use crate::wire::messaging::NAME;
use crate::wire::room::{Accepts, CONNECTED, Connected, ROOM_READY, RoomReady};
use crate::wire::{Header, Message, RoomName};

/// Responses that wait for a participant's socket.
const MAX_QUEUED_RESPONSES: usize = 16;

/// How long the last responses may take when the server stops. Less than
/// [`FINISH_TIME`](super::shutdown::FINISH_TIME), so that the session still leaves its room.
const LAST_RESPONSES: Duration = Duration::from_secs(3);

/// A participant that joins a room.
#[derive(Debug)]
pub(super) struct Joining {
    pub(super) room: RoomName,
    pub(super) caller: Caller,
    /// What its client takes beside the messages of the SDKs.
    pub(super) accepts: Accepts,
    /// The peer of its connection, as text. None inside the process.
    pub(super) peer: Option<Arc<str>>,
    /// The room's address, as the participant reaches it.
    pub(super) room_url: Option<String>,
}

/// Why a session ended.
enum SessionEnd {
    /// The participant left, or its connection broke.
    Left,
    /// The server ends it, for this reason, and the participant may join again: there is no close frame, which
    /// clients of the Python SDK take for final (protocol, "Messages").
    Dropped(&'static str),
    /// The server closes it for good, with this close code and reason.
    Close(u16, String),
}

/// Serves a participant until it leaves, breaks the protocol, is silent for too long, its token expires or is revoked, or
/// the server stops.
pub(super) async fn run(state: Arc<State>, connection: OpenConnection, socket: WebSocket, joining: Joining) {
    let Joining {
        room,
        caller,
        accepts,
        peer,
        room_url,
    } = joining;
    let presence = state
        .rooms
        .enter(room.clone(), &caller, accepts, &state.config.limits);
    let participant_id = presence.member.id.clone();
    tracing::info!(%room, identity = %caller.identity, role = ?caller.role, %participant_id, "joined");
    let (expires_at, token_of) = (caller.expires_at, caller.clone());
    let participant = Participant::new(
        Arc::clone(&state),
        room,
        caller,
        Arc::clone(&presence.member),
        peer.as_deref(),
    );
    let participant = Arc::new(participant);
    let (sink, stream) = socket.split();
    let (responses, queue) = mpsc::channel(MAX_QUEUED_RESPONSES);
    let last_seen = LastSeen::now();
    let mut writer = Writer::new(sink, queue, &participant, last_seen.clone());
    let disconnected = participant.disconnected.clone().drop_guard();
    let end = if greet(&mut writer, &participant, room_url, &presence.session_id)
        .await
        .is_err()
    {
        drop(disconnected);
        SessionEnd::Left
    } else {
        let disconnected = disconnected;
        // Not dropped while it writes a message, unless that message is the last.
        let mut writing = pin!(writer.run());
        tokio::select! {
            end = reader::run(stream, participant, responses, last_seen) => end,
            end = &mut writing => end,
            () = expiry::expired(expires_at, clock::now) => {
                SessionEnd::Close(close_code::POLICY, "the token has expired".to_owned())
            }
            refused = state.keys.refused(&token_of) => {
                SessionEnd::Close(close_code::POLICY, refused.to_string())
            }
            () = connection.stopping() => {
                // Ends the calls that wait for another participant. All calls in flight are answered; the
                // writer ends after the last response.
                drop(disconnected);
                if timeout(LAST_RESPONSES, writing).await.is_err() {
                    tracing::debug!(%participant_id, "stopped with calls unanswered");
                }
                SessionEnd::Dropped("the server is stopping")
            }
        }
    };
    // The others are told first: the close frame may take a while.
    drop(presence);
    match end {
        SessionEnd::Left => {}
        SessionEnd::Dropped(reason) => tracing::info!(%participant_id, reason, "dropping"),
        SessionEnd::Close(code, reason) => {
            tracing::info!(%participant_id, code, reason, "closing");
            let reason = reason.into();
            writer.close(CloseFrame { code, reason }).await;
        }
    }
    tracing::info!(%participant_id, "left");
}

/// Pushes `room_ready`, then `connected`.
async fn greet(
    writer: &mut Writer,
    participant: &Participant,
    room_url: Option<String>,
    session_id: &str,
) -> Result<(), ()> {
    let ready = RoomReady {
        room_name: participant.room.to_string(),
        room_url,
        session_id: Some(session_id.to_owned()),
    };
    let mut attributes = Header::new();
    attributes.insert(NAME.to_owned(), json!(participant.caller.identity));
    let connected = Connected {
        event: "init".to_owned(),
        participant_id: participant.member.id.to_string(),
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
