//! `room serve`: its log, and how long it runs.

use std::io::{self, Read};

use meshagent::wire::Content;
use serde_json::json;

use crate::support::{TestEnv, TestServer};

/// Enough calls to fill a pipe, of which each leaves a line in the log.
const CALLS: usize = 2_000;

/// What it waits for is not the log's: a level that is off changes nothing.
#[test]
fn serve_with_quiet_goes_on_until_it_is_stopped() {
    for flags in [&["--quiet"][..], &[], &["-v"], &["-vvv"]] {
        let env = TestEnv::new();
        let server = TestServer::start_with(&env, flags);
        server.with_key("room").set("a", "value");
        assert_eq!(server.with_key("room").get("a"), b"value");
        server.stop();
    }
}

#[test]
fn serve_answers_and_stops_while_nobody_reads_its_log() {
    let (mut log, stderr) = io::pipe().unwrap();
    let env = TestEnv::new();
    let server = TestServer::start_with_stderr(&env, &["-vv"], stderr);
    let mut participant = server.join("bob");
    for _ in 0..CALLS {
        let answer = participant.call_json("exists", &json!({"secret_id": "a"}));
        assert!(matches!(answer, Content::Json(_)), "{answer:?}");
    }
    server.stop();
    let mut written = Vec::new();
    log.read_to_end(&mut written).unwrap();
    // A pipe holds 64 KiB: the calls logged more than that, so that a server that waited for its log would have stopped.
    assert!(written.len() > 32 << 10, "{} bytes", written.len());
}
