//! The listener that catches the callback of a sign-in, over real sockets.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use meshagent::oauth::{
    CallbackError, CsrfState, ExpectedCallback, LoopbackError, LoopbackListener, RedirectUri, SignInOutcome,
};
use meshagent::wire::HttpEndpoint;
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;
use url::Url;

use crate::support::{Answer, request};

/// The longest that anything is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// A sign-in that waits for its callback.
struct SignIn {
    redirect_uri: Url,
    state: String,
    answer: mpsc::Receiver<Result<String, CallbackError>>,
    finish: Option<oneshot::Sender<SignInOutcome>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl SignIn {
    fn start() -> Self {
        Self::start_at("http://127.0.0.1/callback").unwrap()
    }

    fn start_at(redirect_uri: &str) -> Result<Self, String> {
        let wanted = RedirectUri::parse(redirect_uri).unwrap();
        let (bound, started) = mpsc::channel();
        let (answered, answer) = mpsc::channel();
        let (finish, ending) = oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let mut listener = match LoopbackListener::bind(&wanted).await {
                    Ok(listener) => listener,
                    Err(error) => return bound.send(Err(error.to_string())).unwrap(),
                };
                let state = CsrfState::generate().unwrap();
                let text = state.text().expose().clone();
                bound
                    .send(Ok((listener.redirect_uri().to_string(), text)))
                    .unwrap();
                let authorization_endpoint = HttpEndpoint::parse("https://as.example/authorize").unwrap();
                let answer = tokio::select! {
                    answer = listener.callback(ExpectedCallback { state, authorization_endpoint }) => answer,
                    // The test ended first.
                    () = tokio::time::sleep(PATIENCE) => return,
                };
                let _ = answered.send(answer.map(|code| code.text().expose().clone()));
                if let Ok(ending) = ending.await {
                    listener.finish(ending).await;
                }
            });
        });
        let (redirect_uri, state) = started.recv().unwrap()?;
        Ok(Self {
            redirect_uri: Url::parse(&redirect_uri).unwrap(),
            state,
            answer,
            finish: Some(finish),
            thread: Some(thread),
        })
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.redirect_uri.port().unwrap())
    }

    /// The path of a callback; `S` in it is the right state.
    fn path(&self, query: &str) -> String {
        let query = query.replace("state=S", &format!("state={}", self.state));
        format!("{}?{query}", self.redirect_uri.path())
    }

    /// The status of the answer to a callback.
    fn status(&self, query: &str) -> u16 {
        self.request("GET", &self.path(query), &[]).status
    }

    fn request(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
        request(&self.address(), method, target, headers)
    }

    fn send(&self, bytes: impl AsRef<[u8]>) -> String {
        send(&self.address(), bytes)
    }

    /// Sends a callback, which is taken; the path of the page that it leads to.
    fn redirected(&self, query: &str) -> String {
        let answer = self.request("GET", &self.path(query), &[]);
        assert_eq!((answer.status, answer.body.as_str()), (303, ""));
        let location = answer.location.unwrap();
        assert!(!location.contains(&self.state), "{location}");
        location
    }

    fn is_waiting(&self) -> bool {
        matches!(self.answer.try_recv(), Err(mpsc::TryRecvError::Empty))
    }

    fn answer(&self) -> Result<String, CallbackError> {
        self.answer.recv_timeout(PATIENCE).unwrap()
    }

    fn finish(&mut self, ending: SignInOutcome) {
        self.finish.take().unwrap().send(ending).unwrap();
    }

    /// Waits until the listener is closed.
    fn closes(mut self) {
        self.thread.take().unwrap().join().unwrap();
        assert!(TcpStream::connect(self.address()).is_err());
    }

    /// The right callback still gets through.
    fn works(mut self) {
        assert!(self.is_waiting());
        let page = self.redirected("code=abc&state=S");
        assert_eq!(self.answer().as_deref(), Ok("abc"));
        self.finish(SignInOutcome::SignedIn);
        assert_eq!(self.request("GET", &page, &[]).status, 200);
        self.closes();
    }
}

/// What is answered to these bytes, as it came.
fn send(address: &str, bytes: impl AsRef<[u8]>) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    // It may be refused before it was sent whole.
    let _ = stream.write_all(bytes.as_ref());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

#[test]
fn the_callback_ends_the_wait_and_leads_to_a_page() {
    let mut sign_in = SignIn::start();
    let page = sign_in.redirected("code=abc%2F1&state=S");
    assert!(!page.contains("abc"), "{page}");
    assert_eq!(sign_in.answer().as_deref(), Ok("abc/1"));
    sign_in.finish(SignInOutcome::SignedIn);
    let page = sign_in.request("GET", &page, &[]);
    assert_eq!(page.status, 200);
    assert!(page.body.contains("<h1>You are signed in</h1>"), "{}", page.body);
    for header in [
        "content-type: text/html; charset=utf-8",
        "cache-control: no-store",
        "referrer-policy: no-referrer",
        "x-content-type-options: nosniff",
        "content-security-policy: default-src 'none'; style-src 'sha256-",
    ] {
        assert!(page.head.contains(header), "{header}: {}", page.head);
    }
    // What the policy lets through is the page's own style, and nothing else.
    let (_, rest) = page.body.split_once("<style>").unwrap();
    let (style, rest) = rest.split_once("</style>").unwrap();
    let hash = STANDARD.encode(Sha256::digest(style)).to_lowercase();
    assert!(
        page.head.contains(&format!("style-src 'sha256-{hash}'")),
        "{}",
        page.head
    );
    assert!(!rest.contains("style") && !page.body.contains("<script"));
    assert!(!page.body.contains("abc") && !page.body.contains(&sign_in.state));
    sign_in.closes();
}

#[test]
fn the_page_waits_until_it_is_known_how_it_ended() {
    for (ending, title) in [
        (SignInOutcome::SignedIn, "You are signed in"),
        (SignInOutcome::Denied, "Access was not granted"),
        (SignInOutcome::Failed, "The sign-in did not work"),
    ] {
        let mut sign_in = SignIn::start();
        let page = sign_in.redirected("error=access_denied&state=S");
        assert!(matches!(sign_in.answer(), Err(CallbackError::Denied { .. })));
        // The browser asks while the command still works; it is answered when that is done.
        let mut browser = TcpStream::connect(sign_in.address()).unwrap();
        let host = sign_in.address();
        write!(browser, "GET {page} HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
        sign_in.finish(ending);
        let mut answer = String::new();
        browser.read_to_string(&mut answer).unwrap();
        assert!(answer.contains(title), "{answer}");
        sign_in.closes();
    }
}

#[test]
fn nothing_without_the_state_ends_the_wait() {
    let sign_in = SignIn::start();
    for query in [
        "",
        "code=abc",
        "code=abc&state=",
        "code=abc&state=x",
        "error=access_denied",
        "error=access_denied&state=x",
        "code=a&state=x&state=S",
        "code=a&code=b&state=S",
        "state=S",
        "code=a&error=b&state=S",
        "code=%0A&state=S",
    ] {
        assert_eq!(sign_in.status(query), 400, "{query}");
    }
    sign_in.works();
}

#[test]
fn a_page_of_400_reflects_nothing() {
    let sign_in = SignIn::start();
    let path = sign_in.path("code=canary&state=%3Cscript%3E");
    let answer = sign_in.request("GET", &path, &[]);
    assert_eq!(answer.status, 400);
    assert!(!answer.body.contains("canary") && !answer.body.contains("script"));
    assert!(
        answer
            .head
            .contains("content-security-policy: default-src 'none'")
    );
    sign_in.works();
}

#[test]
fn only_a_get_of_the_exact_path_and_host_is_heard() {
    let sign_in = SignIn::start();
    let right = sign_in.path("code=abc&state=S");
    let (address, port) = (sign_in.address(), sign_in.redirect_uri.port().unwrap());
    for method in ["POST", "HEAD", "OPTIONS", "PUT"] {
        assert_eq!(sign_in.request(method, &right, &[]).status, 405, "{method}");
    }
    for path in [
        "/",
        "/callback/",
        "/Callback",
        "//callback",
        "/%63allback",
        "/favicon.ico",
        "/done/x",
    ] {
        let path = right.replace("/callback", path);
        assert_eq!(sign_in.request("GET", &path, &[]).status, 404, "{path}");
    }
    for host in [
        "127.0.0.1",
        "evil.example",
        &format!("localhost:{port}"),
        &format!("{address}."),
        "",
    ] {
        assert_eq!(
            sign_in.request("GET", &right, &[("Host", host)]).status,
            403,
            "{host}"
        );
    }
    for request in [
        format!("GET {right} HTTP/1.1\r\nHost: {address}\r\nHost: {address}\r\n\r\n"),
        format!("GET {right} HTTP/1.0\r\n\r\n"),
        format!("GET http://{address}{right} HTTP/1.1\r\nHost: {address}\r\n\r\n"),
    ] {
        let answer = sign_in.send(&request);
        assert!(
            answer.starts_with("HTTP/1.") && answer.contains(" 403 "),
            "{request}: {answer}"
        );
    }
    sign_in.works();
}

#[test]
fn another_issuer_ends_the_sign_in() {
    let sign_in = SignIn::start();
    sign_in.redirected("code=abc&state=S&iss=https%3A%2F%2Fevil.example");
    assert_eq!(sign_in.answer(), Err(CallbackError::WrongIssuer));
}

#[test]
fn a_second_callback_changes_nothing() {
    let mut sign_in = SignIn::start();
    let page = sign_in.redirected("code=abc&state=S");
    assert_eq!(sign_in.answer().as_deref(), Ok("abc"));
    let second = sign_in.path("code=other&state=S");
    let mut late = TcpStream::connect(sign_in.address()).unwrap();
    let host = sign_in.address();
    write!(late, "GET {second} HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
    sign_in.finish(SignInOutcome::SignedIn);
    let mut answer = String::new();
    late.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 410 "), "{answer}");
    assert_eq!(sign_in.request("GET", &page, &[]).status, 200);
    sign_in.closes();
}

#[test]
fn two_callbacks_at_once_are_one() {
    let mut sign_in = SignIn::start();
    let (path, host) = (sign_in.path("code=abc&state=S"), sign_in.address());
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let mut streams: Vec<TcpStream> = (0..2).map(|_| TcpStream::connect(&host).unwrap()).collect();
    for stream in &mut streams {
        stream.write_all(request.as_bytes()).unwrap();
    }
    assert_eq!(sign_in.answer().as_deref(), Ok("abc"));
    sign_in.finish(SignInOutcome::Failed);
    let mut statuses: Vec<String> = streams
        .into_iter()
        .map(|mut stream| {
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer[9..12].to_owned()
        })
        .collect();
    statuses.sort();
    assert_eq!(statuses, ["303", "410"]);
}

#[test]
fn half_open_connections_keep_nobody_out() {
    let sign_in = SignIn::start();
    let mut idle: Vec<TcpStream> = Vec::new();
    for number in 0..300 {
        let mut stream = TcpStream::connect(sign_in.address()).unwrap();
        if number % 2 == 0 {
            let _ = stream.write_all(b"GET /callback?code=a");
        }
        idle.push(stream);
    }
    sign_in.works();
}

#[test]
fn a_request_that_does_not_end_is_given_up() {
    let sign_in = SignIn::start();
    let address = &sign_in.address();
    // Both wait for the listener to lose its patience.
    let half = thread::scope(|scope| {
        let half = scope.spawn(|| send(address, "GET /callback HTTP/1.1\r\nHost:"));
        let silent = scope.spawn(|| send(address, ""));
        (half.join().unwrap(), silent.join().unwrap())
    });
    for answer in [half.0, half.1] {
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 408 "),
            "{answer}"
        );
    }
    sign_in.works();
}

#[test]
fn a_request_that_is_too_long_or_no_http_is_refused() {
    let sign_in = SignIn::start();
    let (right, host) = (sign_in.path("code=abc&state=S"), sign_in.address());
    let padding = "x".repeat(17 << 10);
    for request in [
        format!("GET {right}&x={padding} HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        format!("GET {right} HTTP/1.1\r\nHost: {host}\r\nX: {padding}\r\n\r\n"),
        "\x16\x03\x01\x02\0\x01\0\x01\x7c\x03\x03\r\n\r\n".to_owned(),
        "HELLO\r\n\r\n".to_owned(),
    ] {
        let answer = sign_in.send(&request);
        let refused = answer.is_empty() || answer.starts_with("HTTP/1.1 4");
        assert!(refused, "{answer}");
    }
    sign_in.works();
}

#[test]
fn localhost_is_both_of_its_addresses() {
    let sign_in = SignIn::start_at("http://localhost/a/b?x=1").unwrap();
    let port = sign_in.redirect_uri.port().unwrap();
    assert!(TcpListener::bind(("127.0.0.1", port)).is_err());
    if TcpListener::bind("[::1]:0").is_ok() {
        assert!(TcpListener::bind(("::1", port)).is_err());
        let host = format!("localhost:{port}");
        let path = sign_in.path("x=1&code=abc&state=x");
        let answer = request(&format!("[::1]:{port}"), "GET", &path, &[("Host", &host)]);
        assert_eq!(answer.status, 400);
    }
    let host = format!("localhost:{port}");
    let right = sign_in.path("x=1&code=abc&state=S");
    assert_eq!(sign_in.request("GET", &right, &[]).status, 403);
    let taken = sign_in.request("GET", &right, &[("Host", &host)]);
    assert_eq!(taken.status, 303);
    assert_eq!(sign_in.answer().as_deref(), Ok("abc"));
}

#[test]
fn a_port_that_is_taken() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port();
    for host in ["127.0.0.1", "localhost"] {
        let refused = SignIn::start_at(&format!("http://{host}:{port}/callback"));
        assert_eq!(
            refused.err(),
            Some(format!("port {port} is taken by another program"))
        );
    }
}

#[tokio::test]
async fn what_does_not_lead_here_is_not_listened_for() {
    for uri in ["https://127.0.0.1:1/", "http://192.0.2.1:1/", "com.example:/x"] {
        let refused = LoopbackListener::bind(&RedirectUri::parse(uri).unwrap()).await;
        assert!(matches!(refused, Err(LoopbackError::NotLoopback)), "{uri}");
    }
}

#[tokio::test]
async fn a_free_port_is_taken_where_none_is_named() {
    let one = LoopbackListener::bind_anywhere("/callback").await.unwrap();
    let other = LoopbackListener::bind_anywhere("/callback").await.unwrap();
    assert_ne!(one.redirect_uri(), other.redirect_uri());
    let text = one.redirect_uri().as_str();
    assert!(
        text.starts_with("http://127.0.0.1:") || text.starts_with("http://[::1]:"),
        "{text}"
    );
    assert!(text.ends_with("/callback"), "{text}");
}
