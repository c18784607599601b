//! Receives the callback on this machine (RFC 8252, section 7.3).
//!
//! Any web page or program on this machine can send requests to the listener. Only a request with the right state ends
//! the wait, and idle or slow connections do not block others.

mod bind;
mod handler;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};

pub use self::bind::LoopbackError;
use self::handler::CallbackHandler;
use super::{AuthorizationCode, CallbackError, CsrfState, ExpectedCallback, RedirectUri, SignInOutcome};

/// Largest head of a request, in bytes.
const MAX_REQUEST_BYTES: usize = 16 << 10;

/// Time in which the head of a request must be complete.
const REQUEST_TIME: Duration = Duration::from_secs(5);

/// Longest life of a connection. The one for the last page waits for the end of the sign-in.
const CONNECTION_TIME: Duration = Duration::from_mins(1);

/// Most connections at once. One more ends the oldest, so that idle connections cannot block others.
const MAX_CONNECTIONS: usize = 128;

/// Time in which the browser may fetch the last page.
const LINGER: Duration = Duration::from_secs(2);

/// Pause after a failed `accept`, for example without free file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A listener for one callback. Bind it before the authorization request is made: then no other program can have the
/// port when the browser comes back. Dropping it closes it.
#[derive(Debug)]
pub struct LoopbackListener {
    sockets: Vec<TcpListener>,
    redirect_uri: RedirectUri,
    /// A random text in the path of the last page, which only the browser with the callback is redirected to.
    page: CsrfState,
    handler: Option<Arc<CallbackHandler>>,
    connections: JoinSet<()>,
    /// The connections, the oldest first.
    handles: VecDeque<AbortHandle>,
}

impl LoopbackListener {
    /// Binds to the address of `redirect_uri`, on a free port if it has none; [`LoopbackListener::redirect_uri`] has
    /// that port. `localhost` means both 127.0.0.1 and `::1`.
    ///
    /// # Errors
    /// [`LoopbackError`].
    pub async fn bind(redirect_uri: &RedirectUri) -> Result<Self, LoopbackError> {
        let (sockets, redirect_uri) = bind::bind(redirect_uri).await?;
        Ok(Self {
            sockets,
            redirect_uri,
            page: CsrfState::generate()?,
            handler: None,
            connections: JoinSet::new(),
            handles: VecDeque::new(),
        })
    }

    /// Binds to a free port of 127.0.0.1, or of `::1` on machines without IPv4. `path` starts with `/`.
    ///
    /// # Errors
    /// [`LoopbackError`].
    pub async fn bind_anywhere(path: &str) -> Result<Self, LoopbackError> {
        let at = |host: &str| RedirectUri::parse(&format!("http://{host}{path}"));
        match Self::bind(&at("127.0.0.1")?).await {
            Err(LoopbackError::Unavailable(_)) => Self::bind(&at("[::1]")?).await,
            bound => bound,
        }
    }

    /// The redirect URI for the authorization request, with the port.
    pub const fn redirect_uri(&self) -> &RedirectUri {
        &self.redirect_uri
    }

    /// Waits for the callback, without a time limit. Requests that are not the callback get an error page. After the
    /// callback the browser waits until [`LoopbackListener::finish`] is called.
    ///
    /// # Errors
    /// An error that is [final](CallbackError::is_final). After other errors the wait goes on.
    pub async fn callback(&mut self, expected: ExpectedCallback) -> Result<AuthorizationCode, CallbackError> {
        let (answers, mut answer) = mpsc::channel(1);
        let handler = Arc::new(CallbackHandler::new(
            &self.redirect_uri,
            &self.page,
            expected,
            answers,
        ));
        self.handler = Some(Arc::clone(&handler));
        loop {
            tokio::select! {
                biased;
                Some(answer) = answer.recv() => return answer,
                stream = accept(&self.sockets) => self.serve(stream, &handler).await,
            }
        }
    }

    /// Shows the browser how the sign-in ended, and closes the listener. Waits for at most 2 s until the browser has
    /// fetched the page.
    pub async fn finish(mut self, outcome: SignInOutcome) {
        let Some(handler) = self.handler.take() else {
            return;
        };
        handler.finish(outcome);
        let shown = async {
            loop {
                tokio::select! {
                    biased;
                    () = handler.shown() => return,
                    stream = accept(&self.sockets) => self.serve(stream, &handler).await,
                }
            }
        };
        // The sign-in has ended even if the browser did not fetch the page.
        let _ = timeout(LINGER, shown).await;
    }

    async fn serve(&mut self, stream: io::Result<TcpStream>, handler: &Arc<CallbackHandler>) {
        let Ok(stream) = stream else {
            sleep(ACCEPT_PAUSE).await;
            return;
        };
        while self.connections.try_join_next().is_some() {}
        self.handles.retain(|handle| !handle.is_finished());
        if self.handles.len() >= MAX_CONNECTIONS
            && let Some(oldest) = self.handles.pop_front()
        {
            oldest.abort();
        }
        let one = converse(stream, Arc::clone(handler));
        self.handles.push_back(self.connections.spawn(one));
    }
}

/// Accepts the next connection on any of the sockets.
async fn accept(sockets: &[TcpListener]) -> io::Result<TcpStream> {
    poll_fn(|context| {
        for socket in sockets {
            if let Poll::Ready(accepted) = socket.poll_accept(context) {
                return Poll::Ready(accepted.map(|(stream, _)| stream));
            }
        }
        Poll::Pending
    })
    .await
}

/// Answers the request of a connection.
async fn converse(stream: TcpStream, handler: Arc<CallbackHandler>) {
    let showed_page = AtomicBool::new(false);
    let service = service_fn(async |request| {
        let (response, is_page) = handler.answer(&request).await;
        showed_page.fetch_or(is_page, Ordering::Relaxed);
        Ok::<_, std::convert::Infallible>(response)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_TIME)
        .max_buf_size(MAX_REQUEST_BYTES)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // `hyper` answers requests that are not valid HTTP; their errors need no other handling.
    let ended = timeout(CONNECTION_TIME, served).await;
    if matches!(ended, Ok(Ok(()))) && showed_page.load(Ordering::Relaxed) {
        handler.showed();
    }
}
