//! The writing half of a participant's socket: the one place that sends to it.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message as SocketMessage, WebSocket, close_code};
use bytes::Bytes;
use futures_util::SinkExt;
use futures_util::stream::SplitSink;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use super::Ending;
use super::last_seen::LastSeen;
use crate::server::config::Limits;
use crate::server::participant::Response;
use crate::server::rooms::Member;
use crate::wire::Message;

/// Time for a participant to take the close frame.
const CLOSE_TIME: Duration = Duration::from_secs(1);

/// Writes answers and what is pushed. A participant that does not take what it is sent is dropped.
pub(super) struct Writer {
    sink: SplitSink<WebSocket, SocketMessage>,
    answers: mpsc::Receiver<Response>,
    /// Who is written to; what is pushed to it is in its outbox.
    member: Arc<Member>,
    /// Id of the last message that was pushed; they count up from 1.
    last_id: u64,
    last_heard: LastSeen,
    send_timeout: Duration,
    ping_interval: Duration,
    idle_timeout: Duration,
}

impl Writer {
    pub(super) fn new(
        sink: SplitSink<WebSocket, SocketMessage>,
        answers: mpsc::Receiver<Response>,
        member: Arc<Member>,
        last_heard: LastSeen,
        limits: &Limits,
    ) -> Self {
        Self {
            sink,
            answers,
            member,
            last_id: 0,
            last_heard,
            send_timeout: limits.send_timeout,
            ping_interval: limits.ping_interval,
            idle_timeout: limits.idle_timeout,
        }
    }

    /// Writes what comes, and pings into silence, until the session is to end.
    pub(super) async fn run(&mut self) -> Ending {
        // What is pushed is no reason to believe that somebody is there: an answer was asked for.
        let mut next_ping = Instant::now() + self.ping_interval;
        loop {
            let sent = tokio::select! {
                answer = self.answers.recv() => match answer {
                    Some(answer) => {
                        next_ping = Instant::now() + self.ping_interval;
                        self.feed(&answer.message).await
                    }
                    None => return Ending::Left,
                },
                message = self.member.outbox.next() => self.push(message).await,
                () = sleep_until(next_ping) => {
                    if self.last_heard.elapsed() >= self.idle_timeout {
                        return Ending::Close(close_code::AWAY, "nothing was heard for too long".to_owned());
                    }
                    next_ping = Instant::now() + self.ping_interval;
                    self.send(SocketMessage::Ping(Bytes::new())).await
                }
            };
            let waiting = !(self.answers.is_empty() && self.member.outbox.is_empty());
            if sent.is_err() || (!waiting && self.flush().await.is_err()) {
                return Ending::Left;
            }
        }
    }

    /// Pushes a message, which gets its id here.
    pub(super) async fn push(&mut self, mut message: Message) -> Result<(), ()> {
        self.last_id = self.last_id.wrapping_add(1);
        message.id = self.last_id;
        self.feed(&message).await
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

    pub(super) async fn flush(&mut self) -> Result<(), ()> {
        timeout(self.send_timeout, self.sink.flush())
            .await
            .map_err(drop)?
            .map_err(drop)
    }

    /// Ends the conversation: what is not written yet never is, and who works on an answer hears of it.
    /// Whoever does not take the close frame in time does not hear it.
    pub(super) async fn close(mut self, frame: CloseFrame) {
        self.answers.close();
        while self.answers.try_recv().is_ok() {}
        let _ = timeout(CLOSE_TIME, self.send(SocketMessage::Close(Some(frame)))).await;
    }

    /// Sends a control message.
    async fn send(&mut self, message: SocketMessage) -> Result<(), ()> {
        timeout(self.send_timeout, self.sink.send(message))
            .await
            .map_err(drop)?
            .map_err(drop)
    }
}
