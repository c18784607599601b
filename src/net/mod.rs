//! HTTP to servers.
//!
//! Everything that this program sends to another machine goes through an [`HttpClient`], so that proxies
//! (`HTTPS_PROXY`, `NO_PROXY` …), root certificates (`SSL_CERT_FILE`, `SSL_CERT_DIR`) and time limits mean
//! the same everywhere.

mod certificate;
mod client;
mod destination;
mod error;
#[cfg(test)]
#[path = "../../tests/fuzz/net.rs"]
mod fuzz;
mod no_proxy;
mod proxy;
mod tls;
mod unix_address;

use reqwest::header::HeaderValue;
use tokio::io::{AsyncRead, AsyncWrite};
use url::Url;

pub use self::certificate::Validity;
pub use self::client::{HttpClient, HttpResponse, TimeLimits, Upgrade};
pub use self::error::{NetError, reason};
pub use self::unix_address::{UnixAddress, UnixAddressError};
use crate::sensitive::SensitiveText;

/// A two-way byte stream to a server.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// The `Authorization` header for a bearer credential (RFC 6750, section 2.1).
///
/// # Errors
/// [`NetError::BadCredential`] for characters that no header can carry.
pub fn bearer(credential: &SensitiveText) -> Result<HeaderValue, NetError> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", credential.expose()))
        .map_err(|_| NetError::BadCredential)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Host and port of a URL, as in the `Host` header: a default port is left out. For a server at a Unix socket, its
/// address.
pub fn authority(url: &Url) -> String {
    if let Some(socket) = UnixAddress::of(url) {
        return socket.to_string();
    }
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
