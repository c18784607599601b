//! The writing half of a participant's socket: the one place that sends to it.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message as SocketMessage, WebSocket};
use bytes::Bytes;
use futures_util::SinkExt;
use futures_util::stream::SplitSink;
use tokio::sync::mpsc;
use tokio::task::coop::consume_budget;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::DropGuard;

use super::SessionEnd;
use super::last_seen::LastSeen;
use super::progress::Progress;
use crate::server::memory::Reservation;
use crate::server::participant::Participant;
use crate::server::rooms::Member;
use crate::server::toolkit::Permits;
use crate::wire::Message;

/// How long a participant may take to read the close frame.
const CLOSE_TIME: Duration = Duration::from_secs(1);

/// Size from which a message is large, in bytes.
const LARGE_BYTES: usize = 1 << 20;

/// A message that answers a call, with the permits and the memory of the call until it is written.
pub(super) struct Response {
    message: Message,
    _permits: Permits,
    _memory: Option<Reservation>,
}

impl Response {
    pub(super) const fn new(message: Message, permits: Permits, memory: Option<Reservation>) -> Self {
        Self {
            message,
            _permits: permits,
            _memory: memory,
        }
    }

    /// Drops the message. A large one is overwritten on another thread, because that takes milliseconds.
    fn discard(self) {
        if self.message.data_len() >= LARGE_BYTES {
            drop(spawn_blocking(move || drop(self)));
        }
    }
}

/// Writes responses and what is pushed. A participant that does not read what it is sent is dropped.
pub(super) struct Writer {
    sink: SplitSink<WebSocket, SocketMessage>,
    responses: mpsc::Receiver<Response>,
    /// Has the outbox of what is pushed.
    member: Arc<Member>,
    /// Id of the last message that was pushed; they count up from 1.
    last_id: u64,
    last_seen: LastSeen,
    /// Tells the participant's calls when nothing more is written.
    output: DropGuard,
    send_timeout: Duration,
    ping_interval: Duration,
    idle_timeout: Duration,
}

impl Writer {
    /// Writes to `participant`, through `sink`.
    pub(super) fn new(
        sink: SplitSink<WebSocket, SocketMessage>,
        responses: mpsc::Receiver<Response>,
        participant: &Participant,
        last_seen: LastSeen,
    ) -> Self {
        let limits = &participant.state.config.limits;
        Self {
            sink,
            responses,
            member: Arc::clone(&participant.member),
            last_id: 0,
            last_seen,
            output: participant.output_closed.clone().drop_guard(),
            send_timeout: limits.send_timeout,
            ping_interval: limits.ping_interval,
            idle_timeout: limits.idle_timeout,
        }
    }

    /// Writes responses and pushed messages, and pings a participant that is silent, until the session ends.
    pub(super) async fn run(&mut self) -> SessionEnd {
        // Only a response postpones the ping: it shows that the participant sent a call. A pushed message shows
        // nothing.
        let mut next_ping = Instant::now() + self.ping_interval;
        loop {
            let sent = tokio::select! {
                response = self.responses.recv() => match response {
                    Some(response) => {
                        next_ping = Instant::now() + self.ping_interval;
                        let fed = self.feed(&response.message).await;
                        response.discard();
                        fed
                    }
                    None => return SessionEnd::Left,
                },
                message = self.member.outbox.next() => self.push(message).await,
                (message, sent) = self.member.relay.next() => {
                    let pushed = self.push(message).await;
                    if pushed.is_ok() {
                        self.member.relay.sent(self.last_id, sent);
                    }
                    pushed
                }
                () = sleep_until(next_ping) => {
                    if self.last_seen.elapsed() >= self.idle_timeout {
                        return SessionEnd::Dropped("nothing was heard for too long");
                    }
                    next_ping = Instant::now() + self.ping_interval;
                    self.send(SocketMessage::Ping(Bytes::new())).await
                }
            };
            let member = &self.member;
            let waiting = !(self.responses.is_empty() && member.outbox.is_empty() && member.relay.is_empty());
            if sent.is_err() || (!waiting && self.flush().await.is_err()) {
                return SessionEnd::Left;
            }
        }
    }

    /// Pushes a message, and gives it its id.
    pub(super) async fn push(&mut self, mut message: Message) -> Result<(), ()> {
        self.last_id = self.last_id.wrapping_add(1);
        message.id = self.last_id;
        self.feed(&message).await
    }

    async fn feed(&mut self, message: &Message) -> Result<(), ()> {
        let mut progress = Progress::new(self.send_timeout);
        for packet in message.packets() {
            let bytes = packet.len();
            let fed = progress
                .wait(self.sink.feed(SocketMessage::Binary(packet.into())))
                .await;
            fed.map_err(drop)?.map_err(drop)?;
            progress.advance(bytes);
            // A large message gives others a turn after each 128 packets: feeding alone yields only at a full socket.
            consume_budget().await;
        }
        Ok(())
    }

    pub(super) async fn flush(&mut self) -> Result<(), ()> {
        timeout(self.send_timeout, self.sink.flush())
            .await
            .map_err(drop)?
            .map_err(drop)
    }

    /// Discards the responses that wait and sends the close frame, which the participant may not read in time.
    pub(super) async fn close(self, frame: CloseFrame) {
        let Self {
            mut sink,
            mut responses,
            output,
            ..
        } = self;
        drop(output);
        responses.close();
        while responses.try_recv().is_ok() {}
        let _ = timeout(CLOSE_TIME, sink.send(SocketMessage::Close(Some(frame)))).await;
    }

    /// Sends a control message.
    async fn send(&mut self, message: SocketMessage) -> Result<(), ()> {
        timeout(self.send_timeout, self.sink.send(message))
            .await
            .map_err(drop)?
            .map_err(drop)
    }
}
