//! One participant's connection: reads calls, works on many at once, writes answers.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message as SocketMessage, WebSocket, close_code};
use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::{Instant, timeout};

use super::credential::Caller;
use super::listen::Guest;
use super::{State, toolkit};
use crate::sensitive::Sensitive;
use crate::wire::room::{
    CONNECTED, Connected, INVOKE_TOOL, ROOM_READY, RoomReady, SET_ATTRIBUTES, ToolInvocation, response,
};
use crate::wire::secrets::LEGACY_PREFIX;
use crate::wire::{
    Assembled, Assembler, Content, DecodeError, ErrorCode, MAX_HEADER_BYTES, Message, RoomName,
};

/// Answers that wait for a participant's socket.
const MAX_QUEUED_ANSWERS: usize = 16;

/// Who joins which room.
pub(super) struct Entry {
    pub(super) room: RoomName,
    pub(super) caller: Caller,
    pub(super) url: Option<String>,
}

/// An answer on its way out. The call holds its place until the answer is written.
struct Answer {
    message: Message,
    _place: Option<OwnedSemaphorePermit>,
}

/// Why a session ended.
enum Ending {
    /// The participant left, or its connection broke.
    Left,
    /// We end it, with this close code and reason.
    Close(u16, String),
}

/// Serves a participant until it leaves, breaks the protocol, falls silent, or the server stops.
pub(super) async fn run(state: Arc<State>, mut guest: Guest, socket: WebSocket, entry: Entry) {
    let presence = state.rooms.enter(entry.room.clone());
    tracing::info!(room = %entry.room, identity = %entry.caller.identity, role = ?entry.caller.role,
        participant = presence.participant_id, "joined");
    let (sink, stream) = socket.split();
    let (answers, queue) = mpsc::channel(MAX_QUEUED_ANSWERS);
    let (heard, last_heard) = watch::channel(Instant::now());
    let limits = &state.config.limits;
    let mut writer = Writer {
        sink,
        send_timeout: limits.send_timeout,
    };
    let greeted = greet(
        &mut writer,
        &entry,
        &presence.session_id,
        &presence.participant_id,
    )
    .await;
    let participant = Participant {
        state: Arc::clone(&state),
        room: entry.room,
        caller: entry.caller,
    };
    let ending = if greeted.is_err() {
        Ending::Left
    } else {
        tokio::select! {
            ending = read(stream, participant, answers, heard) => ending,
            ending = writer.run(queue, last_heard, limits.ping_interval, limits.idle_timeout) => ending,
            () = guest.stopping() => Ending::Close(close_code::AWAY, "the server is stopping".to_owned()),
        }
    };
    if let Ending::Close(code, reason) = ending {
        tracing::info!(participant = presence.participant_id, code, reason, "closing");
        let frame = CloseFrame {
            code,
            reason: reason.into(),
        };
        // Whoever broke the protocol or fell silent may not hear it.
        let _ = writer.send(SocketMessage::Close(Some(frame))).await;
    }
    tracing::info!(participant = presence.participant_id, "left");
}

/// `room_ready`, then `connected`.
async fn greet(writer: &mut Writer, entry: &Entry, session_id: &str, participant_id: &str) -> Result<(), ()> {
    let ready = RoomReady {
        room_name: entry.room.to_string(),
        room_url: entry.url.clone(),
        session_id: Some(session_id.to_owned()),
    };
    let mut attributes = crate::wire::Header::new();
    attributes.insert("name".to_owned(), json!(entry.caller.identity));
    let connected = Connected {
        event: "init".to_owned(),
        participant_id: participant_id.to_owned(),
        attributes,
    };
    for message in [
        Message::new(1, ROOM_READY, &ready, Sensitive::default()),
        Message::new(2, CONNECTED, &connected, Sensitive::default()),
    ] {
        writer.feed(&message.map_err(drop)?).await?;
    }
    writer.flush().await
}

/// The writing half of the socket. A participant that does not take what it is sent is dropped.
struct Writer {
    sink: SplitSink<WebSocket, SocketMessage>,
    send_timeout: Duration,
}

impl Writer {
    async fn run(
        &mut self,
        mut queue: mpsc::Receiver<Answer>,
        last_heard: watch::Receiver<Instant>,
        ping_interval: Duration,
        idle_timeout: Duration,
    ) -> Ending {
        loop {
            let sent = match timeout(ping_interval, queue.recv()).await {
                Ok(Some(answer)) => {
                    let fed = self.feed(&answer.message).await;
                    if fed.is_ok() && queue.is_empty() {
                        self.flush().await
                    } else {
                        fed
                    }
                }
                Ok(None) => return Ending::Left,
                Err(_) if last_heard.borrow().elapsed() >= idle_timeout => {
                    return Ending::Close(close_code::AWAY, "nothing was heard for too long".to_owned());
                }
                Err(_) => self.send(SocketMessage::Ping(Bytes::new())).await,
            };
            if sent.is_err() {
                return Ending::Left;
            }
        }
    }

    async fn feed(&mut self, message: &Message) -> Result<(), ()> {
        for packet in message.packets() {
            let fed = timeout(
                self.send_timeout,
                self.sink.feed(SocketMessage::Binary(packet.into())),
            )
            .await;
            fed.map_err(drop)?.map_err(drop)?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), ()> {
        timeout(self.send_timeout, self.sink.flush())
            .await
            .map_err(drop)?
            .map_err(drop)
    }

    async fn send(&mut self, message: SocketMessage) -> Result<(), ()> {
        timeout(self.send_timeout, self.sink.send(message))
            .await
            .map_err(drop)?
            .map_err(drop)
    }
}

/// The participant whose calls are answered.
#[derive(Clone)]
struct Participant {
    state: Arc<State>,
    room: RoomName,
    caller: Caller,
}

/// Reads messages and starts the calls they are.
async fn read(
    mut stream: SplitStream<WebSocket>,
    participant: Participant,
    answers: mpsc::Sender<Answer>,
    heard: watch::Sender<Instant>,
) -> Ending {
    let limits = &participant.state.config.limits;
    let mut assembler = Assembler::new(limits.value_bytes.saturating_add(MAX_HEADER_BYTES));
    let places = Arc::new(Semaphore::new(limits.calls_in_flight));
    loop {
        let packet = match stream.next().await {
            Some(Ok(SocketMessage::Binary(packet))) => packet,
            Some(Ok(SocketMessage::Close(_)) | Err(_)) | None => return Ending::Left,
            Some(Ok(_)) => {
                heard.send_replace(Instant::now());
                continue;
            }
        };
        heard.send_replace(Instant::now());
        let (id, work) = match assembler.push(&packet) {
            Ok(Assembled::Pending) => continue,
            Ok(Assembled::Message(message)) if message.kind == SET_ATTRIBUTES => continue,
            Ok(Assembled::Message(message)) => (message.id, Ok(message)),
            Ok(Assembled::Unreadable {
                message_id, error, ..
            }) => (message_id, Err(unreadable(&error, limits.value_bytes))),
            Err(error) => return Ending::Close(close_code::PROTOCOL, error.to_string()),
        };
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return Ending::Left;
        };
        let (participant, answers) = (participant.clone(), answers.clone());
        tokio::spawn(async move {
            let content = match work {
                Ok(message) => participant.answer(message).await,
                Err(refusal) => refusal,
            };
            if let Ok(message) = response(id, content) {
                // The participant may have left.
                let _ = answers
                    .send(Answer {
                        message,
                        _place: Some(place),
                    })
                    .await;
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

impl Participant {
    async fn answer(&self, message: Message) -> Content {
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
        toolkit::answer(&self.state, &self.room, &self.caller, call).await
    }
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
        toolkit: crate::wire::secrets::TOOLKIT.to_owned(),
        tool,
        input,
    }))
}
