//! `room serve --metrics`: what the server counts, and who can read it.

use std::collections::BTreeMap;
use std::net::TcpListener;

use meshagent::wire::Content;
use meshagent::wire::secrets::tool;
use serde_json::json;

use crate::support::{TestEnv, TestServer, request};

const FLAGS: [&str; 2] = ["--metrics", "127.0.0.1:0"];

/// Where the server's metrics are: host and port.
fn metrics_address(server: &TestServer<'_>) -> String {
    let log = server.log();
    let (_, url) = log.split_once("serving metrics url=http://").unwrap();
    url.split_once("/metrics").unwrap().0.to_owned()
}

/// The series and their values.
fn scrape(server: &TestServer<'_>) -> BTreeMap<String, f64> {
    let answer = request(&metrics_address(server), "GET", "/metrics", &[]);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let kind = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert!(answer.head.contains(kind), "{}", answer.head);
    assert!(answer.body.ends_with("# EOF\n"), "{}", answer.body);
    let series = answer.body.lines().filter(|line| !line.starts_with('#'));
    series
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(name, value)| (name.to_owned(), value.parse().unwrap()))
        .collect()
}

#[test]
fn serve_counts_what_it_does() {
    let env = TestEnv::new();
    let server = TestServer::start_with(&env, &FLAGS);
    server.with_key("room").set("a", "value");
    let (mut ada, bob) = (server.join("ada"), server.join("bob"));
    let missing = json!({"secret_id": "nothing"});
    assert!(matches!(ada.call_json(tool::GET, &missing), Content::Empty));
    ada.call_json("no-such-tool", &json!({}));
    let asked = json!({"url": "https://a.example", "type": "git", "participant_id": bob.id});
    ada.ask(tool::REQUEST, Content::json(&asked).unwrap());
    let mut bob = bob;
    bob.pushed("secrets.request_secret");
    assert_eq!(
        request(
            server.address(),
            "POST",
            "/accounts/projects/x/rooms/r/connect",
            &[]
        )
        .status,
        401
    );
    assert_eq!(
        request(server.address(), "GET", "/healthz", &[("Host", "evil.example")]).status,
        403
    );

    let found = scrape(&server);
    for (series, value) in [
        (r#"meshagent_calls_total{tool="set_secret",outcome="ok"}"#, 1.0),
        (r#"meshagent_calls_total{tool="get_secret",outcome="ok"}"#, 1.0),
        (r#"meshagent_calls_total{tool="other",outcome="not_found"}"#, 1.0),
        (r#"meshagent_call_duration_seconds_count{tool="set_secret"}"#, 1.0),
        (r#"meshagent_refused_total{reason="credential"}"#, 1.0),
        (r#"meshagent_refused_total{reason="origin"}"#, 1.0),
        ("meshagent_rooms", 1.0),
        ("meshagent_participants", 2.0),
        ("meshagent_pending_requests", 1.0),
        ("meshagent_connections_limit", 1024.0),
        ("meshagent_store_commit_duration_seconds_count", 2.0),
        ("meshagent_store_commit_failures_total", 0.0),
        (r#"meshagent_store_calls{kind="write",state="running"}"#, 0.0),
        ("meshagent_log_lines_dropped_total", 0.0),
        ("meshagent_ready", 1.0),
        ("meshagent_store_rows_to_reseal", 0.0),
    ] {
        assert_eq!(found.get(series), Some(&value), "{series}: {found:#?}");
    }
    // Those that ask for one answer may still be closing.
    assert!(found["meshagent_connections"] >= 2.0);
    assert!(found[r#"meshagent_memory_limit_bytes{part="large"}"#] > 300e6);
    assert!(found["process_start_time_seconds"] > 1.7e9);
    let names: Vec<_> = found
        .keys()
        .filter(|name| {
            ["ada", "bob", "room=", "a.example"]
                .iter()
                .any(|word| name.contains(word))
        })
        .collect();
    assert!(names.is_empty(), "{names:?}");

    ada.leave();
    bob.leave();
    server.stop();
}

/// A call that waits is counted when its participant leaves, and the server is observed until it ends.
#[test]
fn serve_counts_calls_that_got_no_answer_and_says_that_it_stops() {
    let env = TestEnv::new();
    let server = TestServer::start_with(&env, &[FLAGS[0], FLAGS[1], "--shutdown-delay", "1h"]);
    let (mut ada, mut bob) = (server.join("ada"), server.join("bob"));
    let asked = json!({"url": "https://a.example", "type": "git", "participant_id": bob.id});
    ada.ask(tool::REQUEST, Content::json(&asked).unwrap());
    bob.pushed("secrets.request_secret");
    ada.leave();
    bob.pushed("secrets.request_withdrawn");
    server.ask_to_stop();
    let found = loop {
        let found = scrape(&server);
        if found["meshagent_ready"] < 1.0 {
            break found;
        }
    };
    assert_eq!(found.get("meshagent_pending_requests"), Some(&0.0));
    bob.leave();
    server.stop();
}

#[test]
fn metrics_are_on_their_own_listener_and_not_for_web_pages() {
    let env = TestEnv::new();
    let server = TestServer::start_with(&env, &FLAGS);
    let address = metrics_address(&server);
    assert_eq!(request(server.address(), "GET", "/metrics", &[]).status, 404);
    for (path, headers, status) in [
        ("/healthz", ("Accept", "*/*"), 404),
        ("/rooms/room", ("Accept", "*/*"), 404),
        ("/metrics", ("Host", "evil.example"), 403),
        ("/metrics", ("Origin", "http://evil.example"), 403),
    ] {
        assert_eq!(
            request(&address, "GET", path, &[headers]).status,
            status,
            "{path}"
        );
    }
    assert_eq!(request(&address, "POST", "/metrics", &[]).status, 405);
    server.stop();
}

#[test]
fn serve_refuses_metrics_that_other_machines_reach_unless_insisted() {
    let env = TestEnv::new();
    let serve = |flags: &[&str]| {
        let serve = env.call(["room", "serve", "--listen", "127.0.0.1:0", "--data-dir"]);
        serve.arg(env.data_dir()).args(flags).run()
    };
    serve(&["--metrics", "0.0.0.0:0"])
        .ends_with(2)
        .says("metrics at 0.0.0.0:0 are reached by other machines")
        .says("--allow-plain-http");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    serve(&["--metrics", &address])
        .ends_with(1)
        .says(&format!("cannot listen on {address} for metrics"));
    assert!(!env.data_dir().exists());
    let server = TestServer::start_with(&env, &["--metrics", "0.0.0.0:0", "--allow-plain-http"]);
    server.stop();
}
