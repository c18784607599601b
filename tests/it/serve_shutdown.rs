//! A server that stops, with somebody still there.

use std::io::Write;
use std::net::TcpStream;

use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::support::{TestEnv, TestServer};

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
    assert_eq!(participant.close_frame().unwrap().code, CloseCode::Away);
    assert_eq!(env.local().get("a"), b"value");
    drop(unfinished);
    server.stop();
}
