//! Addresses of servers that listen on a Unix socket.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::Url;

/// Scheme of URLs whose host is the percent-encoded path of a socket.
const SCHEME: &str = "http+unix";

/// What the text of an address begins with.
const PREFIX: &str = "unix:";

/// Why a text is not the address of a Unix socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnixAddressError {
    /// It does not begin with `unix:`.
    #[error("it does not begin with unix:")]
    Prefix,
    /// What follows is not an absolute path.
    #[error("the path of a Unix socket is absolute, as in unix:/run/meshagent.sock")]
    NotAbsolute,
}

/// The address of a server that listens on a Unix socket, written `unix:/path` or `unix:///path`. What is sent there
/// stays on this machine.
///
/// Requests have URLs: [`UnixAddress::url`] is the base of those that an [`HttpClient`](super::HttpClient) sends to the
/// socket.
///
/// ```
/// use meshagent::net::UnixAddress;
///
/// let address: UnixAddress = "unix:///run/rooms.sock".parse()?;
/// assert_eq!(address.to_string(), "unix:/run/rooms.sock");
/// assert_eq!(UnixAddress::of(&address.url().unwrap()), Some(address));
/// # Ok::<(), meshagent::net::UnixAddressError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixAddress(String);

impl UnixAddress {
    /// The address of the socket at an absolute path. None if the path is relative or not UTF-8.
    pub fn at(path: &Path) -> Option<Self> {
        let path = path.to_str().filter(|path| path.starts_with('/'))?;
        Some(Self(path.to_owned()))
    }

    /// The address in a URL that [`UnixAddress::url`] made, or one below it.
    pub fn of(url: &Url) -> Option<Self> {
        let host = url.host_str().filter(|_| url.scheme() == SCHEME)?;
        Self::at(Path::new(&*percent_decode_str(host).decode_utf8().ok()?))
    }

    /// The path of the socket.
    pub fn path(&self) -> &Path {
        Path::new(&self.0)
    }

    /// The base of URLs of requests to this server.
    pub fn url(&self) -> Option<Url> {
        let host = utf8_percent_encode(&self.0, NON_ALPHANUMERIC);
        Url::parse(&format!("{SCHEME}://{host}/")).ok()
    }
}

impl FromStr for UnixAddress {
    type Err = UnixAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let path = text.strip_prefix(PREFIX).ok_or(UnixAddressError::Prefix)?;
        let path = match path.strip_prefix("//") {
            Some(after_empty_host) => after_empty_host,
            None => path,
        };
        Self::at(Path::new(path)).ok_or(UnixAddressError::NotAbsolute)
    }
}

impl fmt::Display for UnixAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_of_an_address_leads_back_to_it() {
        for path in ["/run/a.sock", "/a b/%2F?x#y", "/ä", "/a:b@c/[::1]"] {
            let address: UnixAddress = format!("unix:{path}").parse().unwrap();
            let mut url = address.url().unwrap();
            url.path_segments_mut()
                .unwrap()
                .pop_if_empty()
                .push("rooms")
                .push("a b");
            assert_eq!(url.path(), "/rooms/a%20b");
            assert_eq!(UnixAddress::of(&url), Some(address), "{url}");
        }
    }

    #[test]
    fn what_is_not_the_address_of_a_socket_is_refused() {
        for (text, expected) in [
            ("/run/a.sock", UnixAddressError::Prefix),
            ("unix:", UnixAddressError::NotAbsolute),
            ("unix:a.sock", UnixAddressError::NotAbsolute),
            ("unix://host/a.sock", UnixAddressError::NotAbsolute),
        ] {
            assert_eq!(text.parse::<UnixAddress>(), Err(expected), "{text}");
        }
        for url in ["http://run/", "http+unix://run/", "http+unix://%FF/"] {
            assert_eq!(UnixAddress::of(&Url::parse(url).unwrap()), None, "{url}");
        }
    }
}
