//! Streams to servers, and one HTTP request over them.
//!
//! Everything that this program sends to another machine goes through [`dial`], so that
//! `HTTPS_PROXY`, `NO_PROXY` and `SSL_CERT_FILE` mean the same everywhere.

mod dial;
mod exchange;
mod tls;

use std::error::Error;

use tokio::io::{AsyncRead, AsyncWrite};
use url::{Host, Url};

pub use self::dial::dial;
pub use self::exchange::{bearer, exchange};
pub use self::tls::secure;

/// How this program names itself to servers.
pub const CLIENT_NAME: &str = concat!("meshagent/", env!("CARGO_PKG_VERSION"));

/// A two-way byte stream to a server.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Why a server could not be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NetError {
    /// No connection could be made: refused, no such host, no route, TLS or proxy failure.
    #[error("could not reach {host}: {reason}")]
    Unreachable {
        /// Host and port that was dialled.
        host: String,
        /// What the system or the TLS library said.
        reason: String,
    },
    /// The address cannot be used.
    #[error("the address {address} cannot be used: {reason}")]
    BadAddress {
        /// The address, without credentials.
        address: String,
        /// Why not.
        reason: &'static str,
    },
    /// A credential that no header can carry.
    #[error("the credential has characters that no credential has")]
    BadCredential,
    /// The connection ended before the whole answer had come.
    #[error("the connection ended: {0}")]
    Closed(String),
    /// What answered does not speak HTTP as this program does.
    #[error("the answer cannot be read: {0}")]
    NotHttp(String),
    /// The answer is longer than what is read of it.
    #[error("the answer is longer than {limit} bytes")]
    TooLong {
        /// The limit in bytes.
        limit: usize,
    },
}

/// Host and port of a URL, for messages and the `Host` header.
pub fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Whether a URL names this machine: `localhost` or a loopback address.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// An error and what caused it, in one line; a cause that the outer text already tells is left out.
pub fn reason(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
