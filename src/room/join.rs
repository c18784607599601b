//! Joining: the WebSocket handshake with a room's address and a participant token.

use hyper::header::{AUTHORIZATION, HeaderValue, USER_AGENT};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as SocketError, handshake::client::Request};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use url::Url;

use super::RoomError;
use super::connect::refusal;
use crate::net::{CLIENT_NAME, NetError, Stream, authority, bearer, dial, reason};
use crate::sensitive::SensitiveText;
use crate::wire::{MAX_MESSAGE_BYTES, PACKET_DATA_BYTES};

/// Largest packet that is read. The library reserves memory for a packet when it sees its length, so
/// this is also the most that a lying server can make us reserve.
const MAX_PACKET_BYTES: usize = 1 << 20;

/// Bytes gathered before a write to the socket.
const WRITE_BUFFER_BYTES: usize = 64 << 10;

/// Bytes that one read of the socket may bring.
const READ_BUFFER_BYTES: usize = 32 << 10;

/// The client version that the address carries as `v`.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Joins the room at `room_url` over the network.
pub(super) async fn join(
    room_url: &Url,
    token: &SensitiveText,
) -> Result<WebSocketStream<Box<dyn Stream>>, RoomError> {
    let stream = dial(room_url).await?;
    join_over(stream, room_url, token).await
}

/// Joins the room at `room_url` over a stream that is already there.
pub(super) async fn join_over(
    stream: Box<dyn Stream>,
    room_url: &Url,
    token: &SensitiveText,
) -> Result<WebSocketStream<Box<dyn Stream>>, RoomError> {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_write_buffer_size(
            WRITE_BUFFER_BYTES
                .saturating_add(2 * PACKET_DATA_BYTES)
                .saturating_mul(2),
        )
        .max_message_size(Some(MAX_PACKET_BYTES.min(MAX_MESSAGE_BYTES)))
        .max_frame_size(Some(MAX_PACKET_BYTES));
    let joined = client_async_with_config(request(room_url, token)?, stream, Some(config)).await;
    joined
        .map(|(socket, _)| socket)
        .map_err(|error| handshake_error(room_url, error))
}

fn request(room_url: &Url, token: &SensitiveText) -> Result<Request, RoomError> {
    let mut url = room_url.clone();
    url.query_pairs_mut().append_pair("v", VERSION);
    let mut request = url
        .as_str()
        .into_client_request()
        .map_err(|_| NetError::BadAddress {
            address: authority(room_url),
            reason: "it cannot be put into a request",
        })?;
    request.headers_mut().insert(AUTHORIZATION, bearer(token)?);
    request
        .headers_mut()
        .insert(USER_AGENT, HeaderValue::from_static(CLIENT_NAME));
    Ok(request)
}

fn handshake_error(room_url: &Url, error: SocketError) -> RoomError {
    match error {
        SocketError::Http(answer) if answer.status().is_success() => RoomError::NotARoomServer {
            host: authority(room_url),
        },
        SocketError::Http(answer) => refusal(answer.status(), answer.body().as_deref().unwrap_or_default()),
        SocketError::Protocol(ProtocolError::HandshakeIncomplete) | SocketError::Io(_) => {
            RoomError::Closed(format!("before it answered: {}", reason(&error)))
        }
        // The last is what the library calls a head that does not end.
        SocketError::Protocol(_)
        | SocketError::HttpFormat(_)
        | SocketError::Capacity(_)
        | SocketError::AttackAttempt => RoomError::NotARoomServer {
            host: authority(room_url),
        },
        other => RoomError::Closed(reason(&other)),
    }
}
