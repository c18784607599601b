//! What a request is for, and what its failure means.

use std::error::Error;
use std::io;

use tokio_rustls::rustls;
use url::Url;

use super::error::causes;
use super::{NetError, TimeLimits, UnixAddress, reason};

/// The server of a URL, and the proxy that it is reached through.
#[derive(Debug)]
pub(super) struct Destination {
    pub(super) server: Server,
    /// Host and port of the proxy, if there is one.
    pub(super) proxy: Option<String>,
}

/// The server of a URL.
#[derive(Debug)]
pub(super) enum Server {
    /// Of an `http` or `https` URL.
    Host { host: String, port: u16, tls: bool },
    /// Of a URL that [`UnixAddress::url`] made.
    Socket(UnixAddress),
}

impl Destination {
    pub(super) fn of(url: &Url) -> Result<Self, NetError> {
        if let Some(socket) = UnixAddress::of(url) {
            return Ok(Self {
                server: Server::Socket(socket),
                proxy: None,
            });
        }
        let bad = |reason| NetError::BadAddress {
            address: url.origin().ascii_serialization(),
            reason,
        };
        let tls = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(bad("its scheme is not https, http, wss or ws")),
        };
        let host = url.host_str().ok_or_else(|| bad("it names no host"))?;
        let port = url.port_or_known_default();
        Ok(Self {
            server: Server::Host {
                host: host.to_owned(),
                port: port.ok_or_else(|| bad("it names no port"))?,
                tls,
            },
            proxy: None,
        })
    }

    /// Tells the log where a request goes. A proxy is named without its user and password.
    pub(super) fn log(&self) {
        let Self { server, proxy } = self;
        match (server, proxy) {
            (Server::Host { host, port, tls }, Some(proxy)) => {
                tracing::info!(host, port, tls, proxy, "sending a request through a proxy");
            }
            (Server::Host { host, port, tls }, None) => {
                tracing::debug!(host, port, tls, "sending a request");
            }
            (Server::Socket(socket), _) => tracing::debug!(%socket, "sending a request"),
        }
    }

    /// It said nothing in time.
    pub(super) fn silent(&self, limits: TimeLimits) -> NetError {
        NetError::Silent {
            host: self.authority(),
            seconds: limits.answer.as_secs(),
        }
    }

    /// Why there was no answer.
    pub(super) fn failed(&self, error: &reqwest::Error, limits: TimeLimits) -> NetError {
        if error.is_builder() {
            return NetError::BadAddress {
                address: self.authority(),
                reason: "it cannot be put into a request",
            };
        }
        if error.is_connect() {
            return self.unreachable(connect_reason(error, limits));
        }
        NetError::broken(error)
    }

    fn unreachable(&self, reason: String) -> NetError {
        NetError::Unreachable {
            host: self.authority(),
            reason: match &self.proxy {
                Some(proxy) => format!("through the proxy {proxy}: {reason}"),
                None => reason,
            },
        }
    }

    /// Host and port, the default one too; or the address of the socket.
    fn authority(&self) -> String {
        match &self.server {
            Server::Host { host, port, .. } => format!("{host}:{port}"),
            Server::Socket(socket) => socket.to_string(),
        }
    }
}

/// Why there is no connection: what the system, the TLS library or the proxy said, without the layers in
/// between.
fn connect_reason(error: &reqwest::Error, limits: TimeLimits) -> String {
    let causes = causes(error);
    let system_says = |cause: &&(dyn Error + 'static)| {
        let error = cause.downcast_ref::<io::Error>();
        error.is_some_and(|error| error.raw_os_error().is_some())
    };
    if error.is_timeout() && !causes.iter().any(system_says) {
        return format!(
            "no connection within {:.0} s",
            limits.connect.as_secs_f64().ceil()
        );
    }
    if let Some(error) = causes
        .iter()
        .find_map(|cause| cause.downcast_ref::<rustls::Error>())
    {
        return format!("TLS: {}", reason(error));
    }
    let root = causes.last().map(ToString::to_string).unwrap_or_default();
    match root.as_str() {
        "tunnel error: proxy authorization required" => "it wants a user name and a password, or others",
        "tunnel error: unsuccessful" => "it refused to connect",
        "tunnel error: unexpected end of file" => "it closed the connection",
        "SOCKS error: failed to create underlying connection" => "no connection",
        other => other
            .trim_start_matches("tunnel error: ")
            .trim_start_matches("SOCKS error: "),
    }
    .to_owned()
}
