//! The HTTP client: HTTP/1.1, no redirects, connections kept for the next request.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::tls::TlsInfo;
use reqwest::{ClientBuilder, Method, Request, Response, StatusCode, retry};
use tokio::time::timeout;
use tokio_rustls::rustls::ClientConfig;
use url::Url;

use super::destination::{Destination, Server};
use super::proxy::{Proxies, Proxy};
use super::tls::{Tls, trusting_none};
use super::{NetError, Stream, UnixAddress, Validity};

/// How this program names itself to servers and proxies.
const USER_AGENT: &str = concat!("meshagent/", env!("CARGO_PKG_VERSION"));

/// How long a server is waited for.
#[derive(Debug, Clone, Copy)]
pub struct TimeLimits {
    /// For a connection, with what proxies and TLS need.
    pub connect: Duration,
    /// For the head of an answer, the connection included; and again for its body.
    pub answer: Duration,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(20),
            answer: Duration::from_secs(30),
        }
    }
}

/// A whole answer. `Debug` does not show its body, which may hold tokens.
#[derive(Clone, Default)]
pub struct HttpResponse {
    /// HTTP status code.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// How long the server's certificate is valid, if it showed one.
    pub certificate: Option<Validity>,
    /// The body, to its end.
    pub body: Bytes,
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpResponse")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// How a server answered to a request to upgrade the connection.
pub enum Upgrade {
    /// It did (101), and the connection is the caller's.
    Switched {
        /// The headers of its answer.
        headers: HeaderMap,
        /// What follows the answer.
        stream: Box<dyn Stream>,
    },
    /// It did not.
    Refused(HttpResponse),
}

impl fmt::Debug for Upgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Switched { headers, .. } => f.debug_tuple("Switched").field(headers).finish(),
            Self::Refused(answer) => f.debug_tuple("Refused").field(answer).finish(),
        }
    }
}

/// Sends requests and reads their answers. Clones share connections: a request to a server that has just
/// answered another one needs no new connection.
#[derive(Debug, Clone)]
pub struct HttpClient(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    route: Route,
    tls: Arc<Tls>,
    limits: TimeLimits,
    busy: Mutex<Option<String>>,
    /// For `http` URLs. It reads no root certificates, which takes longer than a request on this machine.
    plain: OnceLock<reqwest::Client>,
    /// For `https` URLs.
    encrypted: OnceLock<reqwest::Client>,
    /// For servers at Unix sockets.
    sockets: Mutex<BTreeMap<UnixAddress, reqwest::Client>>,
}

/// How a server is reached.
#[derive(Debug)]
enum Route {
    /// Through a proxy where the environment says so.
    ByEnvironment(Arc<Proxies>),
    /// At these addresses, through no proxy.
    Pinned {
        host: String,
        addresses: Vec<SocketAddr>,
    },
}

impl HttpClient {
    /// A client that heeds the variables of this process for proxies and root certificates. Nothing is
    /// read from files, and no variable that cannot be used is an error, before a request needs it.
    pub fn from_env() -> Self {
        Self::new(|name| std::env::var_os(name), TimeLimits::default())
    }

    /// A client that heeds these variables.
    pub fn new(variable: impl Fn(&str) -> Option<OsString>, limits: TimeLimits) -> Self {
        let route = Route::ByEnvironment(Arc::new(Proxies::read(&variable)));
        Self::with(route, Arc::new(Tls::read(&variable)), limits)
    }

    /// A client for requests to `host` alone, a name or an address, which are sent to the first of these
    /// addresses that answers: the name is not resolved again, no proxy is asked, and no connection is
    /// kept. Where `host` is itself an address, it is the one that is dialled.
    #[must_use]
    pub fn pinned(&self, host: &str, addresses: Vec<SocketAddr>, limits: TimeLimits) -> Self {
        let host = host.to_owned();
        Self::with(Route::Pinned { host, addresses }, Arc::clone(&self.0.tls), limits)
    }

    fn with(route: Route, tls: Arc<Tls>, limits: TimeLimits) -> Self {
        Self(Arc::new(Inner {
            route,
            tls,
            limits,
            busy: Mutex::default(),
            plain: OnceLock::new(),
            encrypted: OnceLock::new(),
            sockets: Mutex::default(),
        }))
    }

    /// Host and port of the proxy that a request to `url` would pass.
    ///
    /// # Errors
    /// Those of [`HttpClient::send`] that concern proxies.
    pub fn proxy_for(&self, url: &Url) -> Result<Option<String>, NetError> {
        let request = Request::new(Method::GET, url.clone());
        Ok(self.destination(&request)?.proxy)
    }

    /// How long a server is waited for.
    pub fn limits(&self) -> TimeLimits {
        self.0.limits
    }

    /// Why the server is busy, if a call is being repeated because of that.
    pub fn busy(&self) -> Option<String> {
        self.0.busy.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes why the server is busy; None when it is not any more.
    #[cfg(feature = "client")]
    pub(crate) fn set_busy(&self, reason: Option<String>) {
        *self.0.busy.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }

    /// Sends a request to an `http` or `https` URL, or one below a [`UnixAddress::url`], and reads the answer, whose body may have `max_bytes`. Redirects are not followed:
    /// what a request carries goes to the address that it was made for.
    ///
    /// # Errors
    /// See [`NetError`]; an answer of any status is none.
    pub async fn send(&self, request: Request, max_bytes: usize) -> Result<HttpResponse, NetError> {
        let destination = self.destination(&request)?;
        let response = self.respond(request, &destination).await?;
        self.read(response, &destination, max_bytes).await
    }

    /// Sends a request to upgrade the connection, to an `http`, `https`, `ws` or `wss` URL. Where the
    /// server refuses, the body of its answer may have `max_bytes`.
    ///
    /// # Errors
    /// As [`HttpClient::send`].
    pub async fn upgrade(&self, mut request: Request, max_bytes: usize) -> Result<Upgrade, NetError> {
        let scheme = match request.url().scheme() {
            "ws" => Some("http"),
            "wss" => Some("https"),
            _ => None,
        };
        if let Some(scheme) = scheme {
            // Between these schemes a URL can always be changed.
            let _ = request.url_mut().set_scheme(scheme);
        }
        let destination = self.destination(&request)?;
        let response = self.respond(request, &destination).await?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Ok(Upgrade::Refused(
                self.read(response, &destination, max_bytes).await?,
            ));
        }
        let headers = response.headers().clone();
        let stream = response
            .upgrade()
            .await
            .map_err(|error| destination.failed(&error, self.0.limits))?;
        Ok(Upgrade::Switched {
            headers,
            stream: Box::new(stream),
        })
    }

    fn destination(&self, request: &Request) -> Result<Destination, NetError> {
        let mut destination = Destination::of(request.url())?;
        if let Route::ByEnvironment(proxies) = &self.0.route
            && let Server::Host { .. } = destination.server
        {
            destination.proxy = proxies.choose(request.url())?.map(Proxy::authority);
        }
        Ok(destination)
    }

    /// Waits for the head of the answer.
    async fn respond(&self, mut request: Request, destination: &Destination) -> Result<Response, NetError> {
        let client = match &destination.server {
            Server::Host { tls, .. } => self.0.client(*tls)?.clone(),
            Server::Socket(socket) => {
                *request.url_mut() = url_at_socket(request.url());
                self.0.socket_client(socket)?
            }
        };
        destination.log();
        match timeout(self.0.limits.answer, client.execute(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(destination.failed(&error, self.0.limits)),
            Err(_) => Err(destination.silent(self.0.limits)),
        }
    }

    /// Reads the body to its end: only then the connection can be used again.
    async fn read(
        &self,
        mut response: Response,
        destination: &Destination,
        max_bytes: usize,
    ) -> Result<HttpResponse, NetError> {
        let status = response.status();
        let headers = response.headers().clone();
        let tls = response.extensions().get::<TlsInfo>();
        let certificate = tls.and_then(TlsInfo::peer_certificate).and_then(Validity::of);
        let mut body = Vec::new();
        let reading = async {
            while let Some(part) = response
                .chunk()
                .await
                .map_err(|error| NetError::broke_off(&error))?
            {
                if part.len() > max_bytes.saturating_sub(body.len()) {
                    return Err(NetError::TooLong { limit: max_bytes });
                }
                body.extend_from_slice(&part);
            }
            Ok(())
        };
        timeout(self.0.limits.answer, reading)
            .await
            .map_err(|_| destination.silent(self.0.limits))??;
        Ok(HttpResponse {
            status,
            headers,
            certificate,
            body: body.into(),
        })
    }
}

impl Inner {
    fn client(&self, tls: bool) -> Result<&reqwest::Client, NetError> {
        let client = if tls { &self.encrypted } else { &self.plain };
        if let Some(client) = client.get() {
            return Ok(client);
        }
        let built = self.build(tls)?;
        Ok(client.get_or_init(|| built))
    }

    fn socket_client(&self, socket: &UnixAddress) -> Result<reqwest::Client, NetError> {
        let mut clients = self.sockets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(socket) {
            return Ok(client.clone());
        }
        let client = built(at_socket(self.builder(trusting_none()?), socket)?)?;
        clients.insert(socket.clone(), client.clone());
        Ok(client)
    }

    fn builder(&self, config: ClientConfig) -> ClientBuilder {
        reqwest::Client::builder()
            .tls_backend_preconfigured(config)
            .http1_only()
            .redirect(Policy::none())
            .retry(retry::never())
            .referer(false)
            .user_agent(USER_AGENT)
            .tls_info(true)
            .connect_timeout(self.limits.connect)
            .no_proxy()
    }

    fn build(&self, tls: bool) -> Result<reqwest::Client, NetError> {
        let config = if tls {
            self.tls.trusting()?
        } else {
            trusting_none()?
        };
        let builder = self.builder(config);
        built(match &self.route {
            Route::ByEnvironment(proxies) => {
                let proxies = Arc::clone(proxies);
                // A choice that failed has ended the request before.
                let choose = move |url: &Url| proxies.choose(url).ok()?.map(|proxy| proxy.url().clone());
                builder.proxy(reqwest::Proxy::custom(choose))
            }
            Route::Pinned { host, addresses } => builder
                .resolve_to_addrs(host, addresses)
                .pool_max_idle_per_host(0),
        })
    }
}

fn built(builder: ClientBuilder) -> Result<reqwest::Client, NetError> {
    builder
        .build()
        .map_err(|error| NetError::Tls(super::reason(&error)))
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "there are systems without Unix sockets")]
fn at_socket(builder: ClientBuilder, socket: &UnixAddress) -> Result<ClientBuilder, NetError> {
    Ok(builder.unix_socket(socket.path()))
}

#[cfg(not(unix))]
fn at_socket(_: ClientBuilder, socket: &UnixAddress) -> Result<ClientBuilder, NetError> {
    Err(NetError::BadAddress {
        address: socket.to_string(),
        reason: "this system has no Unix sockets",
    })
}

/// The URL of a request as the server at a Unix socket sees it.
fn url_at_socket(url: &Url) -> Url {
    let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
    // A path and a query of one URL are those of any other.
    Url::parse(&format!("http://localhost{}{query}", url.path())).unwrap_or_else(|_| url.clone())
}
