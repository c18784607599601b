//! Addresses of rooms (protocol, "Getting in").

use url::{Host, Url};

use super::http_endpoint::check_parts;
use super::{EndpointError, RoomName};

/// Why a text is not the address of a room, or of the server that rooms are under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RoomUrlError {
    /// Its scheme is not `http`, `https`, `ws` or `wss`.
    #[error("its scheme is not http, https, ws or wss")]
    Scheme,
    /// It breaks a rule of all endpoints.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
}

/// Reads the address of a room or of its server, as a `ws` or `wss` URL. `http` and `https` are read as `ws` and
/// `wss`.
///
/// ```
/// use meshagent::wire::{RoomName, room_url, websocket_url};
///
/// let base = websocket_url("https://api.example/base")?;
/// let url = room_url(&base, &RoomName::new("my room")?);
/// assert_eq!(url.as_str(), "wss://api.example/base/rooms/my%20room");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// `text` is not a URL, has another scheme, or has a user name, a password or a fragment.
pub fn websocket_url(text: &str) -> Result<Url, RoomUrlError> {
    let mut url = Url::parse(text).map_err(|_| EndpointError::NotAUrl)?;
    let scheme = match url.scheme() {
        "http" | "ws" => "ws",
        "https" | "wss" => "wss",
        _ => return Err(RoomUrlError::Scheme),
    };
    check_parts(&url)?;
    url.set_scheme(scheme).map_err(|()| RoomUrlError::Scheme)?;
    Ok(url)
}

/// The address of a room on the server at `base`: `{base}/rooms/{room}`, the name percent-encoded.
pub fn room_url(base: &Url, room: &RoomName) -> Url {
    let mut url = base.clone();
    // Every URL of http and WebSocket has a path that can be extended.
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().push("rooms").push(room.as_str());
    }
    url
}

/// Whether a credential may be sent to a URL: the scheme is `https` or `wss`, or the host is this machine (see
/// [`is_loopback`]).
pub fn is_encrypted_or_loopback(url: &Url) -> bool {
    matches!(url.scheme(), "https" | "wss") || is_loopback(url)
}

/// Whether the host of a URL is this machine: the name `localhost` (RFC 6761, section 6.3) or a loopback address.
/// Names that end in `.localhost` do not count, because some resolvers look them up on the network.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_urls() {
        let room = RoomName::new("a b%?#").unwrap();
        for (base, expected) in [
            ("https://h", "wss://h/rooms/a%20b%25%3F%23"),
            ("https://h/", "wss://h/rooms/a%20b%25%3F%23"),
            ("https://h/base", "wss://h/base/rooms/a%20b%25%3F%23"),
            ("wss://h:8443/base/", "wss://h:8443/base/rooms/a%20b%25%3F%23"),
            ("http://127.1.2.3:80", "ws://127.1.2.3/rooms/a%20b%25%3F%23"),
            ("http://h:443", "ws://h:443/rooms/a%20b%25%3F%23"),
            ("ws://[::1]:9/", "ws://[::1]:9/rooms/a%20b%25%3F%23"),
            ("HTTP://LocalHost", "ws://localhost/rooms/a%20b%25%3F%23"),
        ] {
            let base = websocket_url(base).unwrap();
            assert_eq!(room_url(&base, &room).as_str(), expected);
        }
    }

    #[test]
    fn what_is_not_a_websocket_url_is_refused_and_not_repeated() {
        for (text, expected) in [
            ("canary", EndpointError::NotAUrl.into()),
            ("ftp://canary", RoomUrlError::Scheme),
            ("wss://canary@h", EndpointError::UserInfo.into()),
            ("wss://h/#canary", EndpointError::Fragment.into()),
        ] {
            let error = websocket_url(text).unwrap_err();
            assert_eq!(error, expected, "{text}");
            assert!(!format!("{error} {error:?}").contains("canary"));
        }
    }
}
