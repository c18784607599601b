//! Dials a server: TCP, through a proxy if the environment names one, TLS if the address says so.
//!
//! The connect call and the WebSocket go through this one place, so that `HTTPS_PROXY`, `NO_PROXY` and
//! `SSL_CERT_FILE` mean the same for both.

use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;

use hyper::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tower_service::Service;
use url::{Host, Url};

use super::RoomError;

/// A two-way byte stream to a server.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Where to dial, read off an `http`, `https`, `ws` or `wss` URL.
#[derive(Debug)]
struct Destination {
    host: String,
    port: u16,
    tls: bool,
    loopback: bool,
}

/// Opens a stream to the server of `url`.
///
/// # Errors
/// [`RoomError::Unreachable`] with the reason; [`RoomError::BadAddress`] for an address that names no server.
pub(super) async fn dial(url: &Url) -> Result<Box<dyn Stream>, RoomError> {
    let destination = Destination::of(url)?;
    let stream = match proxy_for(&destination)? {
        Some(proxy) => dial_through(&destination, &proxy).await?,
        None => dial_directly(&destination.uri("http")?, &destination).await?,
    };
    if destination.tls {
        secure(stream, &destination).await
    } else {
        Ok(Box::new(stream))
    }
}

/// `host:port` of a URL, for messages and the `Host` header.
pub(super) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

impl Destination {
    fn of(url: &Url) -> Result<Self, RoomError> {
        let bad = |reason| RoomError::BadAddress {
            address: url.origin().ascii_serialization(),
            reason,
        };
        let tls = match url.scheme() {
            "https" | "wss" => true,
            "http" | "ws" => false,
            _ => return Err(bad("its scheme is not https, http, wss or ws")),
        };
        let loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => return Err(bad("it names no host")),
        };
        let host = url.host_str().ok_or_else(|| bad("it names no host"))?.to_owned();
        let port = url
            .port_or_known_default()
            .ok_or_else(|| bad("it names no port"))?;
        Ok(Self {
            host,
            port,
            tls,
            loopback,
        })
    }

    fn uri(&self, scheme: &str) -> Result<Uri, RoomError> {
        format!("{scheme}://{}:{}/", self.host, self.port)
            .parse()
            .map_err(|_| RoomError::BadAddress {
                address: self.host.clone(),
                reason: "its host cannot be dialled",
            })
    }

    fn unreachable(&self, reason: impl Into<String>) -> RoomError {
        RoomError::Unreachable {
            host: format!("{}:{}", self.host, self.port),
            reason: reason.into(),
        }
    }
}

/// The proxy of the environment for this destination. A server on this machine needs none.
fn proxy_for(destination: &Destination) -> Result<Option<Intercept>, RoomError> {
    if destination.loopback {
        return Ok(None);
    }
    let scheme = if destination.tls { "https" } else { "http" };
    Ok(Matcher::from_env().intercept(&destination.uri(scheme)?))
}

fn connector() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector
}

async fn dial_directly(uri: &Uri, destination: &Destination) -> Result<TcpStream, RoomError> {
    let stream = connector()
        .call(uri.clone())
        .await
        .map_err(|error| destination.unreachable(reason(&error)))?;
    Ok(stream.into_inner())
}

async fn dial_through(destination: &Destination, proxy: &Intercept) -> Result<TcpStream, RoomError> {
    let host = proxy.uri().authority().map_or("", |authority| authority.host());
    if proxy.uri().scheme_str() != Some("http") {
        return Err(destination.unreachable(format!("the proxy {host} is not an http:// proxy")));
    }
    let mut tunnel = Tunnel::new(proxy.uri().clone(), connector());
    if let Some(auth) = proxy.basic_auth() {
        tunnel = tunnel.with_auth(auth.clone());
    }
    let stream = tunnel
        .call(destination.uri("https")?)
        .await
        .map_err(|error| destination.unreachable(format!("proxy {host}: {}", reason(&error))))?;
    Ok(stream.into_inner())
}

async fn secure(stream: TcpStream, destination: &Destination) -> Result<Box<dyn Stream>, RoomError> {
    let bare = destination.host.trim_start_matches('[').trim_end_matches(']');
    let name = match bare.parse::<IpAddr>() {
        Ok(address) => ServerName::from(address),
        Err(_) => ServerName::try_from(bare.to_owned())
            .map_err(|_| destination.unreachable("its name cannot be in a certificate"))?,
    };
    let config = tls_config().map_err(|reason| destination.unreachable(reason))?;
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .map_err(|error| destination.unreachable(format!("TLS: {}", reason(&error))))?;
    Ok(Box::new(stream))
}

/// TLS with the system's root certificates, or those of `SSL_CERT_FILE` and `SSL_CERT_DIR`. Made only
/// when a connection needs it: reading the certificates takes longer than a call.
fn tls_config() -> Result<ClientConfig, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        let errors: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        return Err(format!(
            "no root certificates were found; set SSL_CERT_FILE {}",
            errors.join("; ")
        ));
    }
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// An error and what caused it, in one line; a cause that the outer text already tells is left out.
pub(super) fn reason(error: &dyn Error) -> String {
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
