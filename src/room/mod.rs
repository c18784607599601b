//! A client of one room: joins it, calls its toolkits, hears what it pushes.

mod connect;
mod error;
mod join;
mod participants;
mod pushed;
mod retry;
mod session;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use url::Url;

pub use self::connect::connect;
pub use self::error::RoomError;
pub use self::participants::{Participants, PresenceChange, RoomParticipant};
pub use self::pushed::Pushed;
use self::pushed::Subscribers;
pub use self::retry::Pauses;
use self::session::{Calls, Outgoing};
use crate::net::{HttpClient, NetError, Stream, authority};
use crate::sensitive::SensitiveText;
use crate::wire::room::{CONNECTED, Connected, ROOM_READY, RoomReady, ToolInvocation};
use crate::wire::{Content, MAX_MESSAGE_BYTES, ParticipantId};

/// Messages that wait for the socket; whoever sends more waits too.
const MAX_QUEUED_MESSAGES: usize = 64;

/// A participant's connection to a room. Calls may be made from many tasks at once.
///
/// No method has a time limit of its own but the one that notices a dead connection (within a
/// minute): wrap a call in [`tokio::time::timeout`] to limit it. Dropping the client ends the
/// connection.
#[derive(Debug)]
pub struct RoomClient {
    outgoing: mpsc::Sender<Outgoing>,
    calls: Arc<Calls>,
    subscribers: Arc<Subscribers>,
    next_id: AtomicU64,
    room: RoomReady,
    participant: Connected,
    task: tokio::task::JoinHandle<()>,
}

impl RoomClient {
    /// Joins the room at `room_url` (`ws` or `wss`) with a participant token. A server that says it is
    /// busy is tried again, with growing pauses, until the caller stops waiting; every other failure
    /// is final. No step takes longer than the [`HttpClient::limits`].
    pub async fn join(http: &HttpClient, room_url: &Url, token: &SensitiveText) -> Result<Self, RoomError> {
        let server = authority(room_url);
        let began = Instant::now();
        let client = retry::while_busy(async || {
            tracing::debug!(server, "joining over a WebSocket");
            let socket = join::join(http, room_url, token).await?;
            let limit = http.limits().answer;
            timeout(limit, Self::start(socket)).await.unwrap_or_else(|_| {
                Err(RoomError::Net(NetError::Silent {
                    host: server.clone(),
                    seconds: limit.as_secs(),
                }))
            })
        })
        .await?;
        let name = client.participant.name().unwrap_or_default();
        let ms = began.elapsed().as_millis();
        tracing::info!(server, participant = name, ms, "joined");
        Ok(client)
    }

    /// Joins over a stream that is already there, as to a server in the same process.
    pub async fn join_over(
        stream: Box<dyn Stream>,
        room_url: &Url,
        token: &SensitiveText,
    ) -> Result<Self, RoomError> {
        Self::start(join::join_over(stream, room_url, token).await?).await
    }

    /// Waits until both `room_ready` and `connected` have come.
    async fn start(socket: WebSocketStream<Box<dyn Stream>>) -> Result<Self, RoomError> {
        let (outgoing, to_send) = mpsc::channel(MAX_QUEUED_MESSAGES);
        let calls = Arc::new(Calls::default());
        let subscribers = Arc::new(Subscribers::new());
        let mut pushed = subscribers.subscribe(&calls);
        let task = tokio::spawn(session::run(
            socket,
            to_send,
            Arc::clone(&calls),
            Arc::clone(&subscribers),
        ));
        let (mut room, mut participant) = (None, None);
        loop {
            let message = pushed.next().await?;
            match message.kind.as_str() {
                ROOM_READY => room = Some(message.read::<RoomReady>()?.0),
                CONNECTED => participant = Some(message.read::<Connected>()?.0),
                other => tracing::debug!(kind = other, "ignored a message before the room was ready"),
            }
            if let (Some(room), Some(participant)) = (&room, &participant) {
                let (room, participant) = (room.clone(), participant.clone());
                return Ok(Self {
                    outgoing,
                    calls,
                    subscribers,
                    next_id: AtomicU64::new(1),
                    room,
                    participant,
                    task,
                });
            }
        }
    }

    /// The room, as the server described it.
    pub const fn room(&self) -> &RoomReady {
        &self.room
    }

    /// This connection's id and name in the room.
    pub const fn participant(&self) -> &Connected {
        &self.participant
    }

    /// This connection's id, if the server gave one that can be one.
    pub fn participant_id(&self) -> Option<ParticipantId> {
        ParticipantId::new(self.participant.participant_id.clone()).ok()
    }

    /// What the room pushes from now on.
    pub fn pushed(&self) -> Pushed {
        self.subscribers.subscribe(&self.calls)
    }

    /// Calls a tool and waits for its answer. An `error` content is [`RoomError::Call`].
    pub async fn invoke(&self, toolkit: &str, tool: &str, input: Content) -> Result<Content, RoomError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let call = ToolInvocation {
            toolkit: toolkit.to_owned(),
            tool: tool.to_owned(),
            input,
        };
        let message = call.into_message(id)?;
        if message.data_len() > MAX_MESSAGE_BYTES {
            return Err(RoomError::TooLarge {
                bytes: message.data_len(),
                limit: MAX_MESSAGE_BYTES,
            });
        }
        let began = Instant::now();
        let answer = self.calls.expect(id)?;
        let _waiting = Waiting {
            calls: &self.calls,
            id,
        };
        self.outgoing
            .send(Outgoing::Message(message))
            .await
            .map_err(|_| self.calls.ended())?;
        let answer = answer.await.map_err(|_| self.calls.ended())?;
        let (is_ok, ms) = (answer.is_ok(), began.elapsed().as_millis());
        tracing::debug!(toolkit, tool, is_ok, ms, "a call was answered");
        answer
    }

    /// Says goodbye to the server and ends the connection.
    pub async fn close(mut self) {
        if self.outgoing.send(Outgoing::Close).await.is_ok() {
            // The task ends by itself; whether it panicked makes no difference any more.
            let _ = (&mut self.task).await;
        }
    }
}

impl Drop for RoomClient {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A call in flight: when whoever made it stops waiting, its answer is no longer expected.
struct Waiting<'a> {
    calls: &'a Calls,
    id: u64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.calls.forget(self.id);
    }
}
