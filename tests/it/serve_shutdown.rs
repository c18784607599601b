//! A server that stops, with somebody still there.

use std::io::Write;
use std::net::TcpStream;

use crate::support::{TestEnv, TestServer, request};

/// A connection that has begun a request and does not end it.
fn unfinished(server: &TestServer<'_>) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: ").unwrap();
    stream
}

#[test]
fn who_says_nothing_does_not_hold_up_a_stop() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let silent: Vec<TcpStream> = (0..3)
        .map(|_| TcpStream::connect(server.address()).unwrap())
        .collect();
    let unfinished = unfinished(&server);
    let participant = server.join("bob");
    server.stop();
    drop((silent, unfinished, participant));
}

/// The address is taken back before those who are there are waited for: who comes then waits for the
/// directory, and is not sent to a server that takes nobody any more.
#[test]
fn a_local_command_outlasts_a_server_that_is_stopping() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    server.with_key("room").set("a", "value");
    let mut participant = server.join("bob");
    let unfinished = unfinished(&server);
    server.ask_to_stop();
    participant.is_dropped();
    assert_eq!(env.local().get("a"), b"value");
    drop(unfinished);
    server.stop();
}

/// Load balancers take it out of service before it refuses a client.
#[test]
fn serve_says_that_it_is_not_ready_before_it_stops_serving() {
    let env = TestEnv::new();
    let server = TestServer::start_with(&env, &["--shutdown-delay", "1h"]);
    let ready = || request(server.address(), "GET", "/readyz", &[]);
    assert_eq!(ready().status, 200);
    server.ask_to_stop();
    let refused = loop {
        let answer = ready();
        if answer.status != 200 {
            break answer;
        }
    };
    let reason = r#"{"ready":false,"reason":"the server is stopping"}"#;
    assert_eq!((refused.status, refused.body.as_str()), (503, reason));
    server.with_key("room").set("a", "value");
    assert_eq!(env.local().get("a"), b"value");
    // A second signal ends the delay.
    server.stop();
}
