//! A client of one room (protocol, "Getting in" to "Presence").
//!
//! [`connect()`] asks an API for a participant token and the room's address. [`RoomClient::join`] opens the
//! WebSocket with them; one task owns it from then on. [`RoomClient::invoke`] calls toolkits, from as many
//! tasks at once as need be; [`RoomClient::subscribe`] yields what the room pushes;
//! [`RoomClient::participants`] follows who else is in the room. [`crate::secrets`] builds on this module.
//!
//! ```no_run
//! use meshagent::net::HttpClient;
//! use meshagent::room::{RoomClient, connect};
//! use meshagent::wire::websocket_url;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let http = HttpClient::from_env();
//! let api = "https://api.meshagent.com/accounts/projects/P/rooms/demo/connect".parse()?;
//! let connection = connect(&http, &api, &std::env::var("MESHAGENT_API_KEY")?.into()).await?;
//! let url = websocket_url(&connection.room_url.ok_or("the room has no address")?)?;
//! let room = RoomClient::join(&http, &url, &connection.jwt.into()).await?;
//! for participant in room.participants().await?.all() {
//!     println!("{}", participant.name().unwrap_or("?"));
//! }
//! room.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Time limits
//! Joining and the connect call keep the limits of the [`HttpClient`]. Calls and subscriptions wait as long
//! as the connection lives: wrap them in [`tokio::time::timeout`]. A connection on which nothing came for 20 s
//! is pinged; without a sign of life for 60 s, or when the server takes nothing of what it is sent for as long, it ends with
//! [`RoomError::Closed`].

mod backoff;
mod calls;
mod connect;
mod error;
mod handle;
mod join;
mod participants;
mod session;
mod subscription;

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use url::Url;

pub use self::backoff::Backoff;
use self::calls::Calls;
pub use self::connect::connect;
pub use self::error::RoomError;
pub use self::handle::RoomHandle;
pub use self::participants::{Participants, PresenceChange, RoomParticipant};
use self::subscription::Subscribers;
pub use self::subscription::Subscription;
use crate::net::{HttpClient, NetError, Stream, authority};
use crate::sensitive::SensitiveText;
use crate::wire::room::{CONNECTED, Connected, ROOM_READY, RoomReady};
use crate::wire::{Content, ParticipantId};

/// Messages that may wait for the socket before a caller has to wait.
const MAX_QUEUED_MESSAGES: usize = 64;

/// A participant's connection to a room. Dropping it ends the connection, and with it the calls and
/// subscriptions of its [`RoomHandle`]s.
#[derive(Debug)]
pub struct RoomClient {
    handle: RoomHandle,
    participant: Connected,
    task: tokio::task::JoinHandle<()>,
}

impl RoomClient {
    /// Joins the room at `room_url` (`ws` or `wss`) with a participant token. While the server says that it is
    /// busy, the attempt is repeated with the delays of [`Backoff`], without a time limit.
    ///
    /// # Errors
    /// - [`RoomError::Unauthorized`], [`RoomError::Forbidden`] and [`RoomError::NoSuchRoom`] for a refused
    ///   handshake. These are final.
    /// - [`RoomError::Net`] if the server cannot be reached, or is silent for longer than
    ///   [`HttpClient::limits`] allow.
    /// - [`RoomError::NotARoomServer`] if it does not speak WebSocket.
    pub async fn join(http: &HttpClient, room_url: &Url, token: &SensitiveText) -> Result<Self, RoomError> {
        let server = authority(room_url);
        let began = Instant::now();
        let client = backoff::while_busy(http, async || {
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

    /// Joins over a stream that is already open, as to a server in the same process.
    ///
    /// # Errors
    /// As [`RoomClient::join`], without the network's.
    pub async fn join_over(
        stream: Box<dyn Stream>,
        room_url: &Url,
        token: &SensitiveText,
    ) -> Result<Self, RoomError> {
        Self::start(join::join_over(stream, room_url, token).await?).await
    }

    /// Starts the task, and waits until both `room_ready` and `connected` have come.
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
        let (mut is_ready, mut participant) = (false, None);
        loop {
            let message = pushed.next().await?;
            match message.kind.as_str() {
                ROOM_READY => is_ready = message.read::<RoomReady>().map(|_| true)?,
                CONNECTED => participant = Some(message.read::<Connected>()?.0),
                other => tracing::debug!(kind = other, "ignored a message before the room was ready"),
            }
            match participant.take_if(|_| is_ready) {
                None => {}
                Some(participant) => {
                    return Ok(Self {
                        handle: RoomHandle::new(outgoing, calls, subscribers),
                        participant,
                        task,
                    });
                }
            }
        }
    }

    /// A handle to the connection, for other tasks.
    pub const fn handle(&self) -> &RoomHandle {
        &self.handle
    }

    /// What the server says of this participant: its id and its attributes.
    pub const fn participant(&self) -> &Connected {
        &self.participant
    }

    /// This participant's id. None if the server gave one that breaks the rules of ids.
    pub fn participant_id(&self) -> Option<ParticipantId> {
        ParticipantId::new(self.participant.participant_id.clone()).ok()
    }

    /// Subscribes to what the room pushes from now on.
    pub fn subscribe(&self) -> Subscription {
        self.handle.subscribe()
    }

    /// Calls a tool and waits for its response: see [`RoomHandle::invoke`].
    ///
    /// # Errors
    /// Those of [`RoomHandle::invoke`].
    pub async fn invoke(&self, toolkit: &str, tool: &str, input: Content) -> Result<Content, RoomError> {
        self.handle.invoke(toolkit, tool, input).await
    }

    /// Closes the connection with close code 1000, after the messages that are on their way.
    pub async fn close(mut self) {
        if self.handle.close().await {
            // The task ends by itself; if it panicked, the connection has ended too.
            let _ = (&mut self.task).await;
        }
    }
}

impl Drop for RoomClient {
    fn drop(&mut self) {
        self.task.abort();
        self.handle.end();
    }
}
