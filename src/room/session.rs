//! The task that owns the socket: packets out, packets in, answers to whoever asked.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message as SocketMessage};

use super::RoomError;
use super::pushed::Subscribers;
use crate::net::reason;
use crate::wire::room::{RESPONSE, read_response};
use crate::wire::{Assembled, Assembler, Content, MAX_ANSWER_HEADER_BYTES, MAX_MESSAGE_BYTES, Message};

/// Time without a word from the server after which it is asked whether it is there.
const PING_INTERVAL: Duration = Duration::from_secs(20);

/// Unanswered pings after which the connection counts as dead.
const MAX_SILENT_PINGS: u32 = 2;

/// What the task is told to send.
pub(super) enum Outgoing {
    Message(Message),
    Close,
}

/// Calls that wait for their answer.
#[derive(Debug, Default)]
pub(super) struct Calls {
    waiting: Mutex<HashMap<u64, oneshot::Sender<Result<Content, RoomError>>>>,
    ended: OnceLock<RoomError>,
}

impl Calls {
    /// Notes that somebody waits for the answer to `id`; an error if the connection has ended.
    pub(super) fn expect(&self, id: u64) -> Result<oneshot::Receiver<Result<Content, RoomError>>, RoomError> {
        let mut waiting = self.lock();
        if let Some(error) = self.ended.get() {
            return Err(error.clone());
        }
        let (answer, receiver) = oneshot::channel();
        waiting.insert(id, answer);
        Ok(receiver)
    }

    /// Nobody waits for `id` any more.
    pub(super) fn forget(&self, id: u64) {
        self.lock().remove(&id);
    }

    /// Why the connection ended, once it has.
    pub(super) fn ended(&self) -> RoomError {
        self.ended
            .get()
            .cloned()
            .unwrap_or_else(|| RoomError::Closed(String::new()))
    }

    fn answer(&self, id: u64, answer: Result<Content, RoomError>) {
        if let Some(waiting) = self.lock().remove(&id) {
            // Whoever asked may have stopped waiting.
            let _ = waiting.send(answer);
        }
    }

    pub(super) fn end(&self, error: &RoomError) {
        let mut waiting = self.lock();
        let error = self.ended.get_or_init(|| error.clone());
        for (_, answer) in waiting.drain() {
            let _ = answer.send(Err(error.clone()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<Result<Content, RoomError>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a connection to its end. `subscribers` get every message that is no answer.
pub(super) async fn run<S>(
    socket: S,
    outgoing: mpsc::Receiver<Outgoing>,
    calls: Arc<Calls>,
    subscribers: Arc<Subscribers>,
) where
    S: Stream<Item = Result<SocketMessage, SocketError>> + Sink<SocketMessage, Error = SocketError> + Unpin,
{
    let (sink, stream) = socket.split();
    // Set with every packet, so it has to be cheap.
    let heard = AtomicBool::new(false);
    let ending = tokio::select! {
        ending = receive(stream, &calls, &subscribers, &heard) => ending,
        ending = send(sink, outgoing, &heard) => ending,
    };
    calls.end(&ending);
    subscribers.end();
}

/// Writes messages, and pings when nothing comes from the other side. Ends with the reason.
async fn send<S>(mut sink: S, mut outgoing: mpsc::Receiver<Outgoing>, heard: &AtomicBool) -> RoomError
where
    S: Sink<SocketMessage, Error = SocketError> + Unpin,
{
    let mut ticks = interval_at(Instant::now() + PING_INTERVAL, PING_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut silent_pings = 0;
    loop {
        let sent = tokio::select! {
            next = outgoing.recv() => match next {
                Some(Outgoing::Message(message)) => write(&mut sink, &message, outgoing.is_empty()).await,
                Some(Outgoing::Close) | None => {
                    let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
                    // The server may be gone already; there is nobody left to tell.
                    let _ = sink.send(SocketMessage::Close(Some(frame))).await;
                    return RoomError::Closed("by this side".to_owned());
                }
            },
            _ = ticks.tick() => {
                silent_pings = if heard.swap(false, Ordering::Relaxed) { 0 } else { silent_pings + 1 };
                if silent_pings > MAX_SILENT_PINGS {
                    return RoomError::Closed("the server does not answer any more".to_owned());
                }
                sink.send(SocketMessage::Ping(Bytes::new())).await
            }
        };
        if let Err(error) = sent {
            return ended(error);
        }
    }
}

async fn write<S>(sink: &mut S, message: &Message, flush: bool) -> Result<(), SocketError>
where
    S: Sink<SocketMessage, Error = SocketError> + Unpin,
{
    for packet in message.packets() {
        sink.feed(SocketMessage::Binary(packet.into())).await?;
    }
    if flush { sink.flush().await } else { Ok(()) }
}

/// Reads messages and hands them on. Ends with the reason.
async fn receive<S>(mut stream: S, calls: &Calls, subscribers: &Subscribers, heard: &AtomicBool) -> RoomError
where
    S: Stream<Item = Result<SocketMessage, SocketError>> + Unpin,
{
    let mut assembler = Assembler::new(MAX_MESSAGE_BYTES).with_header_limit(MAX_ANSWER_HEADER_BYTES);
    loop {
        let packet = match stream.next().await {
            Some(Ok(SocketMessage::Binary(packet))) => packet,
            Some(Ok(SocketMessage::Close(frame))) => return closed(frame),
            Some(Ok(_)) => {
                heard.store(true, Ordering::Relaxed);
                continue;
            }
            Some(Err(error)) => return ended(error),
            None => return RoomError::Closed(String::new()),
        };
        heard.store(true, Ordering::Relaxed);
        match assembler.push(&packet) {
            Ok(Assembled::Pending) => {}
            Ok(Assembled::Message(message)) if message.kind == RESPONSE => {
                let id = message.id;
                calls.answer(id, answer(message));
            }
            Ok(Assembled::Message(message)) => {
                if let Err(unread) = subscribers.push(&message) {
                    return unread;
                }
            }
            Ok(Assembled::Unreadable {
                message_id, error, ..
            }) => {
                calls.answer(message_id, Err(RoomError::Protocol(error)));
            }
            Err(error) => return RoomError::Protocol(error),
        }
    }
}

/// An answer's content, an `error` content as the error it is.
fn answer(message: Message) -> Result<Content, RoomError> {
    match read_response(message)? {
        Content::Error { text, code } => Err(RoomError::Call { code, message: text }),
        Content::Rejected { text } => Err(RoomError::Rejected(text)),
        content => Ok(content),
    }
}

fn closed(frame: Option<CloseFrame>) -> RoomError {
    match frame {
        Some(frame) if frame.code == CloseCode::Again => RoomError::Busy(frame.reason.to_string()),
        Some(frame) if frame.code == CloseCode::Policy && !frame.reason.is_empty() => {
            RoomError::Unauthorized(frame.reason.to_string())
        }
        Some(frame) if frame.reason.is_empty() => RoomError::Closed(format!("close code {}", frame.code)),
        Some(frame) => RoomError::Closed(frame.reason.to_string()),
        None => RoomError::Closed(String::new()),
    }
}

fn ended(error: SocketError) -> RoomError {
    match error {
        SocketError::ConnectionClosed | SocketError::AlreadyClosed => RoomError::Closed(String::new()),
        other => RoomError::Closed(reason(&other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expired_token_is_not_tried_again() {
        let frame = |code| CloseFrame {
            code,
            reason: "the token has expired".into(),
        };
        let expired = closed(Some(frame(CloseCode::Policy)));
        assert!(!expired.is_retryable());
        assert_eq!(
            expired.to_string(),
            "the server does not accept the credential: the token has expired"
        );
        assert!(closed(Some(frame(CloseCode::Away))).is_retryable());
    }
}
