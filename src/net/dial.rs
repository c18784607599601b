//! Dials a server: TCP, through a proxy if the environment names one, TLS if the address says so.

use hyper::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use tokio::net::TcpStream;
use tower_service::Service;
use url::Url;

use super::{NetError, Stream, is_loopback, reason, secure};

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
/// [`NetError::Unreachable`] with the reason; [`NetError::BadAddress`] for an address that names no server.
pub async fn dial(url: &Url) -> Result<Box<dyn Stream>, NetError> {
    let destination = Destination::of(url)?;
    let Destination { host, port, tls, .. } = &destination;
    let stream = if let Some(proxy) = proxy_for(&destination)? {
        // Without its user and password.
        let proxy_host = proxy.uri().host().unwrap_or_default();
        tracing::info!(host, port, tls, proxy = proxy_host, "dialling through a proxy");
        dial_through(&destination, &proxy).await?
    } else {
        tracing::debug!(host, port, tls, "dialling");
        dial_directly(&destination.uri("http")?, &destination).await?
    };
    if destination.tls {
        secure(stream, &destination.host)
            .await
            .map_err(|reason| destination.unreachable(reason))
    } else {
        Ok(Box::new(stream))
    }
}

impl Destination {
    fn of(url: &Url) -> Result<Self, NetError> {
        let bad = |reason| NetError::BadAddress {
            address: url.origin().ascii_serialization(),
            reason,
        };
        let tls = match url.scheme() {
            "https" | "wss" => true,
            "http" | "ws" => false,
            _ => return Err(bad("its scheme is not https, http, wss or ws")),
        };
        let host = url.host_str().ok_or_else(|| bad("it names no host"))?.to_owned();
        let port = url
            .port_or_known_default()
            .ok_or_else(|| bad("it names no port"))?;
        Ok(Self {
            host,
            port,
            tls,
            loopback: is_loopback(url),
        })
    }

    fn uri(&self, scheme: &str) -> Result<Uri, NetError> {
        format!("{scheme}://{}:{}/", self.host, self.port)
            .parse()
            .map_err(|_| NetError::BadAddress {
                address: self.host.clone(),
                reason: "its host cannot be dialled",
            })
    }

    fn unreachable(&self, reason: impl Into<String>) -> NetError {
        NetError::Unreachable {
            host: format!("{}:{}", self.host, self.port),
            reason: reason.into(),
        }
    }
}

/// The proxy of the environment for this destination. A server on this machine needs none.
fn proxy_for(destination: &Destination) -> Result<Option<Intercept>, NetError> {
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

async fn dial_directly(uri: &Uri, destination: &Destination) -> Result<TcpStream, NetError> {
    let stream = connector()
        .call(uri.clone())
        .await
        .map_err(|error| destination.unreachable(reason(&error)))?;
    Ok(stream.into_inner())
}

async fn dial_through(destination: &Destination, proxy: &Intercept) -> Result<TcpStream, NetError> {
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
