//! Joining: the WebSocket handshake with a room's address and a participant token.

use reqwest::header::{
    AUTHORIZATION, CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use reqwest::{Method, Request};
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use url::Url;

use super::RoomError;
use super::connect::{MAX_ANSWER_BYTES, refusal};
use crate::net::{HttpClient, NetError, Stream, Upgrade, authority, bearer, reason};
use crate::sensitive::SensitiveText;
use crate::wire::room::{ACCEPTS, Accepts};
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
    http: &HttpClient,
    room_url: &Url,
    token: &SensitiveText,
) -> Result<WebSocketStream<Box<dyn Stream>>, RoomError> {
    let key = generate_key();
    match http
        .upgrade(request(room_url, token, &key)?, MAX_ANSWER_BYTES)
        .await?
    {
        Upgrade::Switched { headers, stream } if is_accepted(&headers, &key) => {
            Ok(WebSocketStream::from_raw_socket(stream, Role::Client, Some(config())).await)
        }
        Upgrade::Refused(answer) if !answer.status.is_success() => Err(refusal(answer.status, &answer.body)),
        _ => Err(RoomError::NotARoomServer {
            host: authority(room_url),
        }),
    }
}

/// Joins the room at `room_url` over a stream that is already there, to a server of this program.
pub(super) async fn join_over(
    stream: Box<dyn Stream>,
    room_url: &Url,
    token: &SensitiveText,
) -> Result<WebSocketStream<Box<dyn Stream>>, RoomError> {
    let url = versioned(room_url);
    let mut request = url
        .as_str()
        .into_client_request()
        .map_err(|_| NetError::BadAddress {
            address: authority(room_url),
            reason: "it cannot be put into a request",
        })?;
    request.headers_mut().insert(AUTHORIZATION, bearer(token)?);
    let joined = client_async_with_config(request, stream, Some(config())).await;
    joined.map(|(socket, _)| socket).map_err(|error| match error {
        // The part of the body that came with the head.
        Error::Http(answer) => refusal(answer.status(), answer.body().as_deref().unwrap_or_default()),
        other => RoomError::Closed(reason(&other)),
    })
}

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_write_buffer_size(
            WRITE_BUFFER_BYTES
                .saturating_add(2 * PACKET_DATA_BYTES)
                .saturating_mul(2),
        )
        .max_message_size(Some(MAX_PACKET_BYTES.min(MAX_MESSAGE_BYTES)))
        .max_frame_size(Some(MAX_PACKET_BYTES))
}

fn versioned(room_url: &Url) -> Url {
    let mut url = room_url.clone();
    url.query_pairs_mut()
        .append_pair("v", VERSION)
        .append_pair(ACCEPTS, &Accepts::ALL.to_string());
    url
}

/// The client's opening handshake (RFC 6455, section 4.1).
fn request(room_url: &Url, token: &SensitiveText, key: &str) -> Result<Request, NetError> {
    let key = HeaderValue::try_from(key).map_err(|_| NetError::BadCredential)?;
    let mut request = Request::new(Method::GET, versioned(room_url));
    let headers = request.headers_mut();
    headers.insert(AUTHORIZATION, bearer(token)?);
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    headers.insert(SEC_WEBSOCKET_KEY, key);
    Ok(request)
}

/// Whether the server's opening handshake answers the client's (RFC 6455, section 4.1).
fn is_accepted(headers: &HeaderMap, key: &str) -> bool {
    let is = |name: HeaderName, expected: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.is_some_and(|value| value.eq_ignore_ascii_case(expected))
    };
    let accept = headers.get(SEC_WEBSOCKET_ACCEPT).map(HeaderValue::as_bytes);
    is(UPGRADE, "websocket")
        && is(CONNECTION, "upgrade")
        && accept == Some(derive_accept_key(key.as_bytes()).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_answer_to_this_key_is_accepted() {
        // The example of RFC 6455, section 1.3.
        let key = "dGhlIHNhbXBsZSBub25jZQ==";
        let good = [
            ("connection", "Upgrade"),
            ("upgrade", "WebSocket"),
            ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        ];
        let headers = |pairs: &[(&'static str, &'static str)]| {
            let pairs = pairs.iter();
            pairs
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
                .collect::<HeaderMap>()
        };
        assert!(is_accepted(&headers(&good), key));
        assert!(!is_accepted(&headers(&good), "AAAAAAAAAAAAAAAAAAAAAA=="));
        for missing in 0..good.len() {
            let mut some = good.to_vec();
            some.remove(missing);
            assert!(!is_accepted(&headers(&some), key), "{some:?}");
        }
    }
}
