//! Catches the callback on this machine (RFC 8252, section 7.3).
//!
//! Whoever can open a web page or a connection here can send requests too. None of them ends the wait
//! but one that knows the state, and none of them keeps others from being heard.

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

/// Time for the head of a request to come in whole.
const REQUEST_TIME: Duration = Duration::from_secs(5);

/// Longest life of a connection: that of the page may wait for the end of the sign-in.
const CONNECTION_TIME: Duration = Duration::from_mins(1);

/// Connections at once. One more ends the oldest, so that idle ones keep nobody out.
const MAX_CONNECTIONS: usize = 128;

/// How long the browser is given to fetch the page at the end.
const LINGER: Duration = Duration::from_secs(2);

/// Pause after the system refused to accept, as where file descriptors have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A listener for one callback. It is bound before the URL is made, so that nobody else can be there
/// when the browser comes back. Dropping it closes it.
#[derive(Debug)]
pub struct LoopbackListener {
    sockets: Vec<TcpListener>,
    redirect_uri: RedirectUri,
    /// Where the browser is sent on to; nobody else knows it.
    page: CsrfState,
    handler: Option<Arc<CallbackHandler>>,
    connections: JoinSet<()>,
    /// Of the connections, the oldest first.
    handles: VecDeque<AbortHandle>,
}

impl LoopbackListener {
    /// Binds to where `redirect_uri` leads, on a free port if it names none: then
    /// [`LoopbackListener::redirect_uri`] has the port. `localhost` is both 127.0.0.1 and `::1`.
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

    /// Binds to a free port of 127.0.0.1, or of `::1` where there is no such address. `path` starts
    /// with `/`.
    pub async fn bind_anywhere(path: &str) -> Result<Self, LoopbackError> {
        let at = |host: &str| RedirectUri::parse(&format!("http://{host}{path}"));
        match Self::bind(&at("127.0.0.1")?).await {
            Err(LoopbackError::Unavailable(_)) => Self::bind(&at("[::1]")?).await,
            bound => bound,
        }
    }

    /// Where the provider must send the browser.
    pub const fn redirect_uri(&self) -> &RedirectUri {
        &self.redirect_uri
    }

    /// Waits for the callback, without a time limit. What is not it is answered with 400, and the wait
    /// goes on. After a code or a final error (see [`CallbackError::is_final`]) no other callback is
    /// taken; the browser waits for [`LoopbackListener::finish`] then.
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

    /// Shows the browser that came how it ended, then closes. A browser that does not ask for the page
    /// within 2 s is not waited for.
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
        // Whether anybody saw the page changes nothing.
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

/// The next connection to any of the sockets.
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

/// Answers one request.
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
    // A peer that breaks the rules of HTTP is told by hyper; there is nothing to do about it here.
    let ended = timeout(CONNECTION_TIME, served).await;
    if matches!(ended, Ok(Ok(()))) && showed_page.load(Ordering::Relaxed) {
        handler.showed();
    }
}
