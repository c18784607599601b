//! The task that owns the socket: it writes messages as packets, joins packets to messages, and hands each
//! message to the call or the subscriptions it is for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message as SocketMessage};

use super::RoomError;
use super::calls::Calls;
use super::subscription::Subscribers;
use crate::net::reason;
use crate::wire::room::{RESPONSE, read_response};
use crate::wire::{Assembled, Assembler, Content, MAX_ANSWER_HEADER_BYTES, MAX_MESSAGE_BYTES, Message};

/// Time between two looks at whether anything came from the server. If nothing did, it is pinged.
const PING_INTERVAL: Duration = Duration::from_secs(20);

/// Intervals without a sign of life, each begun with a ping, after which the connection has ended.
const MAX_SILENT_PINGS: u32 = 2;

/// Time for the server to take one packet. It is the time after which a silent connection ends, because no ping is sent
/// while a message is written.
const WRITE_LIMIT: Duration = PING_INTERVAL.saturating_mul(MAX_SILENT_PINGS + 1);

/// What the task writes to the socket.
#[derive(Debug)]
pub(super) enum Outgoing {
    Message(Message),
    /// A close frame of code 1000; the task ends.
    Close,
}

/// Runs a connection to its end, then ends `calls` and `subscribers` with the reason. A response completes
/// its call; every other message goes to the subscribers.
pub(super) async fn run<S>(
    socket: S,
    outgoing: mpsc::Receiver<Outgoing>,
    calls: Arc<Calls>,
    subscribers: Arc<Subscribers>,
) where
    S: Stream<Item = Result<SocketMessage, SocketError>> + Sink<SocketMessage, Error = SocketError> + Unpin,
{
    let (sink, stream) = socket.split();
    // Set with every packet, so it is an atomic and not a lock.
    let is_alive = AtomicBool::new(false);
    let error = tokio::select! {
        error = receive(stream, &calls, &subscribers, &is_alive) => error,
        error = send(sink, outgoing, &is_alive, WRITE_LIMIT) => error,
    };
    calls.end(&error);
    subscribers.end();
}

/// Writes messages, and pings when nothing comes from the server. `limit` is the time for the server to take a packet.
/// Returns why the connection ended.
async fn send<S>(
    mut sink: S,
    mut outgoing: mpsc::Receiver<Outgoing>,
    is_alive: &AtomicBool,
    limit: Duration,
) -> RoomError
where
    S: Sink<SocketMessage, Error = SocketError> + Unpin,
{
    let mut ticks = interval_at(Instant::now() + PING_INTERVAL, PING_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut silent_pings = 0;
    loop {
        let sent = tokio::select! {
            next = outgoing.recv() => match next {
                Some(Outgoing::Message(message)) => {
                    write(&mut sink, &message, outgoing.is_empty(), limit).await
                }
                Some(Outgoing::Close) | None => {
                    let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
                    // The socket may be closed already; the connection ends in any case.
                    let _ = within(limit, sink.send(SocketMessage::Close(Some(frame)))).await;
                    return RoomError::Closed("by this side".to_owned());
                }
            },
            _ = ticks.tick() => {
                silent_pings = if is_alive.swap(false, Ordering::Relaxed) { 0 } else { silent_pings + 1 };
                if silent_pings > MAX_SILENT_PINGS {
                    return RoomError::Closed("the server does not answer any more".to_owned());
                }
                within(limit, sink.send(SocketMessage::Ping(Bytes::new()))).await
            }
        };
        if let Err(error) = sent {
            return error;
        }
    }
}

/// Writes a message. Each packet has the time `limit`, so that a slow connection may take long for all of it.
async fn write<S>(sink: &mut S, message: &Message, flush: bool, limit: Duration) -> Result<(), RoomError>
where
    S: Sink<SocketMessage, Error = SocketError> + Unpin,
{
    for packet in message.packets() {
        within(limit, sink.feed(SocketMessage::Binary(packet.into()))).await?;
    }
    if flush {
        within(limit, sink.flush()).await
    } else {
        Ok(())
    }
}

/// Waits for a write, for as long as `limit`.
async fn within(
    limit: Duration,
    write: impl Future<Output = Result<(), SocketError>>,
) -> Result<(), RoomError> {
    match timeout(limit, write).await {
        Ok(written) => written.map_err(ended),
        Err(_) => Err(RoomError::Closed(
            "the server does not take what it is sent".to_owned(),
        )),
    }
}

/// Reads messages and hands them on. Returns why the connection ended.
async fn receive<S>(
    mut stream: S,
    calls: &Calls,
    subscribers: &Subscribers,
    is_alive: &AtomicBool,
) -> RoomError
where
    S: Stream<Item = Result<SocketMessage, SocketError>> + Unpin,
{
    let mut assembler = Assembler::new(MAX_MESSAGE_BYTES).with_header_limit(MAX_ANSWER_HEADER_BYTES);
    loop {
        let packet = match stream.next().await {
            Some(Ok(SocketMessage::Binary(packet))) => packet,
            Some(Ok(SocketMessage::Close(frame))) => return closed(frame),
            Some(Ok(_)) => {
                is_alive.store(true, Ordering::Relaxed);
                continue;
            }
            Some(Err(error)) => return ended(error),
            None => return RoomError::Closed(String::new()),
        };
        is_alive.store(true, Ordering::Relaxed);
        match assembler.push(&packet) {
            Ok(Assembled::Pending) => {}
            Ok(Assembled::Message(message)) if message.kind == RESPONSE => {
                let id = message.id;
                calls.complete(id, response(message));
            }
            Ok(Assembled::Message(message)) => {
                if let Err(error) = subscribers.push(&message) {
                    return error;
                }
            }
            Ok(Assembled::Unreadable {
                message_id, error, ..
            }) => {
                calls.complete(message_id, Err(RoomError::Protocol(error)));
            }
            Err(error) => return RoomError::Protocol(error),
        }
    }
}

/// The content of a response; an `error` content as the error that it stands for.
fn response(message: Message) -> Result<Content, RoomError> {
    match read_response(message)? {
        Content::Error { text, code } => Err(RoomError::Call { code, message: text }),
        Content::Rejected { text } => Err(RoomError::Rejected(text)),
        content => Ok(content),
    }
}

/// What a close frame means (protocol, "Messages").
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
    use tokio::io::duplex;
    use tokio_tungstenite::WebSocketStream;
    use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

    use super::*;
    use crate::sensitive::Sensitive;

    /// Writes `bytes` to a peer that reads nothing of what it is sent.
    async fn send_unread(bytes: usize) -> RoomError {
        let (here, _there) = duplex(4096);
        let config = WebSocketConfig::default().write_buffer_size(1024);
        let socket = WebSocketStream::from_raw_socket(here, Role::Client, Some(config)).await;
        let (outgoing, queue) = mpsc::channel(2);
        let message = Message::new(1, "test", &(), Sensitive::new(vec![0; bytes])).unwrap();
        outgoing.try_send(Outgoing::Message(message)).unwrap();
        outgoing.try_send(Outgoing::Close).unwrap();
        send(socket, queue, &AtomicBool::new(true), Duration::from_millis(50)).await
    }

    #[tokio::test]
    async fn a_server_that_takes_nothing_is_noticed_while_a_message_is_written() {
        let error = send_unread(1 << 20).await;
        let expected = "the connection to the room ended: the server does not take what it is sent";
        assert_eq!(error.to_string(), expected);
        assert!(error.is_retryable());
        assert_eq!(
            send_unread(100).await,
            RoomError::Closed("by this side".to_owned())
        );
    }

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
