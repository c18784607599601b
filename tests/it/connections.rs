//! How many connections a command makes, and how long the client waits for a server.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use meshagent::net::{HttpClient, NetError, TimeLimits};
use meshagent::room::{RoomClient, RoomError, connect};
use reqwest::{Method, Request};
use tokio_tungstenite::tungstenite::accept;
use url::Url;

use crate::support::{FakeServer, Relay, TestEnv, TestServer, Way, read_request, respond};

/// Limits that a test can wait for.
const LIMITS: TimeLimits = TimeLimits {
    connect: Duration::from_millis(500),
    answer: Duration::from_secs(1),
};

#[test]
fn a_command_with_an_api_key_makes_one_connection() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let relay = Relay::start(server.address());
    let (url, key) = (relay.url(), server.api_key());
    let variables = [("MESHAGENT_API_URL", url.as_str()), ("MESHAGENT_API_KEY", &key)];
    let way = Way::new(&env, &variables, &["--room", "room"]);
    for (number, value) in ["one", "two"].into_iter().enumerate() {
        way.set("a", value);
        assert_eq!(relay.connections(), 2 * number + 1);
        assert_eq!(way.get("a"), value.as_bytes());
        assert_eq!(relay.connections(), 2 * number + 2);
    }
    server.stop();
}

/// Does nothing more, and keeps the connection.
fn stay(_stream: impl Sized) {
    loop {
        thread::park();
    }
}

fn client(variables: &[(&str, String)]) -> HttpClient {
    let variable = |name: &str| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.into())
    };
    HttpClient::new(variable, LIMITS)
}

async fn call(http: &HttpClient, url: &str) -> NetError {
    let called = connect(http, &Url::parse(url).unwrap(), &"token".to_owned().into()).await;
    match called.unwrap_err() {
        RoomError::Net(error) => error,
        other => panic!("{other:?}"),
    }
}

fn is_silent(error: &NetError) -> bool {
    matches!(error, NetError::Silent { seconds: 1, .. })
}

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_is_not_waited_for() {
    let silent = FakeServer::start(|_, stream| stay(stream));
    assert!(is_silent(&call(&client(&[]), &silent.url()).await));
    let url = Url::parse(&silent.url().replace("http", "ws")).unwrap();
    let joined = RoomClient::join(&client(&[]), &url, &"token".to_owned().into()).await;
    assert!(matches!(joined.unwrap_err(), RoomError::Net(error) if is_silent(&error)));
    assert_eq!(silent.connections(), 2);
}

#[tokio::test]
async fn a_tls_handshake_that_does_not_begin_is_not_waited_for() {
    let silent = FakeServer::start(|_, stream| stay(stream));
    let error = call(&client(&[]), &silent.url().replace("http", "https")).await;
    assert!(
        matches!(&error, NetError::Unreachable { reason, .. } if reason.starts_with("no connection within"))
    );
}

#[tokio::test]
async fn a_proxy_that_says_nothing_is_not_waited_for() {
    let silent = FakeServer::start(|_, stream| stay(stream));
    for scheme in ["http", "https", "socks5h"] {
        let proxy = silent.url().replace("http", scheme);
        let error = call(&client(&[("HTTPS_PROXY", proxy)]), "https://192.0.2.1").await;
        let said = error.to_string();
        assert!(said.contains("through the proxy 127.0.0.1:"), "{said}");
        assert!(said.contains("no connection within"), "{said}");
    }
    assert_eq!(silent.connections(), 3);
}

#[tokio::test]
async fn an_answer_that_stops_halfway_is_not_waited_for() {
    let whole = respond("200 OK", "application/json", r#"{"jwt":"j"}"#);
    for end in ["HTTP/1.1 200".len(), whole.len() - 5] {
        let part = whole[..end].to_owned();
        let server = FakeServer::start(move |_, mut stream: TcpStream| {
            read_request(&mut stream);
            stream.write_all(part.as_bytes()).unwrap();
            stay(stream);
        });
        assert!(is_silent(&call(&client(&[]), &server.url()).await), "{end}");
    }
}

#[tokio::test]
async fn a_room_that_is_never_ready_is_not_waited_for() {
    let server = FakeServer::start(|_, stream| {
        let mut socket = accept(stream).unwrap();
        while socket.read().is_ok() {}
    });
    let url = Url::parse(&server.url().replace("http", "ws")).unwrap();
    let joined = RoomClient::join(&client(&[]), &url, &"token".to_owned().into()).await;
    assert!(matches!(joined.unwrap_err(), RoomError::Net(error) if is_silent(&error)));
}

/// Whatever `--timeout` says.
#[test]
fn no_step_is_waited_for_longer_than_30_s() {
    let limits = HttpClient::from_env().limits();
    assert!(limits.connect <= Duration::from_secs(30) && limits.answer <= Duration::from_secs(30));
}

/// So a token endpoint is called at the address that was checked, and a code is sent once.
#[tokio::test]
async fn a_pinned_client_resolves_no_name_asks_no_proxy_and_keeps_no_connection() {
    let server = FakeServer::start(|_, mut stream| {
        while !read_request(&mut stream).is_empty() {
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    let address: SocketAddr = server.url().strip_prefix("http://").unwrap().parse().unwrap();
    let client = client(&[("ALL_PROXY", "http://127.0.0.1:1".to_owned())]);
    let pinned = client.pinned("host.invalid", vec![address], LIMITS);
    let url = Url::parse(&format!("http://host.invalid:{}", address.port())).unwrap();
    for number in 1..=2 {
        let answer = pinned
            .send(Request::new(Method::GET, url.clone()), 2)
            .await
            .unwrap();
        assert_eq!(answer.body, "ok");
        assert_eq!(server.connections(), number);
    }
}
