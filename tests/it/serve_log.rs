//! The log of `room serve`, in both of its forms.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{Ran, TestEnv, TestServer, request, upgrade};

/// A key of 32 bytes, in hex.
const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

const JSON: [(&str, &str); 2] = [("MESHAGENT_LOG_FORMAT", "json"), ("MESHAGENT_KEY", KEY)];

/// Lines of the log, each of which must be an object with the members that all have.
fn lines(log: &str) -> Vec<Value> {
    let parse = |line: &str| -> Value {
        let line = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        let members: BTreeSet<&str> = Value::as_object(&line)
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(
            members,
            BTreeSet::from(["timestamp", "level", "target", "fields"]),
            "{line}"
        );
        line["timestamp"]
            .as_str()
            .unwrap()
            .parse::<jiff::Timestamp>()
            .unwrap();
        assert!(
            line["target"].as_str().unwrap().starts_with("meshagent::"),
            "{line}"
        );
        assert!(line["fields"]["message"].is_string(), "{line}");
        line
    };
    log.lines().map(parse).collect()
}

/// Whether a line has this level, and this message or a longer one that starts with it.
fn says(lines: &[Value], level: &str, message: &str) -> bool {
    lines.iter().any(|line| {
        line["level"] == level && line["fields"]["message"].as_str().unwrap().starts_with(message)
    })
}

#[test]
fn serve_logs_nothing_but_json_from_its_start_to_its_end() {
    let env = TestEnv::new();
    let flags = ["-vv", "--color", "always", "--metrics", "127.0.0.1:0"];
    let server = TestServer::start_with_variables(&env, &flags, &JSON);
    server.with_key("room").set("a", "value");
    // Names are what clients choose, and so are not to change the form of a line.
    let odd = server.with_identity(r#"a "b" {c}"#, "room");
    odd.secret(["get", "nothing"]).run();
    assert_eq!(
        request(server.address(), "GET", "/healthz", &[("Host", "evil.example")]).status,
        403
    );
    assert_eq!(upgrade(server.address(), "/rooms/room", &[]).status, 403);
    let log = env.root().join("server.log");
    server.stop();

    let lines = lines(&std::fs::read_to_string(log).unwrap());
    for (level, message) in [
        ("WARN", "the store's key comes from MESHAGENT_KEY"),
        ("INFO", "serving metrics"),
        ("INFO", "serving rooms"),
        ("INFO", "joined"),
        ("DEBUG", "done"),
        ("INFO", "refused"),
        ("INFO", "left"),
        ("INFO", "stopped"),
    ] {
        assert!(says(&lines, level, message), "{level} {message}: {lines:#?}");
    }
    let mut identities = lines.iter().map(|line| &line["fields"]["identity"]);
    assert!(
        identities.any(|identity| identity == r#"a "b" {c}"#),
        "{lines:#?}"
    );
}

#[test]
fn serve_that_cannot_start_says_why_in_its_log() {
    let env = TestEnv::new();
    let serve = |flags: &[&str]| -> Ran {
        let serve = env.call([
            "room",
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--log-format",
            "json",
            "--data-dir",
        ]);
        serve.arg(env.data_dir()).args(flags).run()
    };
    let server = TestServer::start(&env);
    let refused = serve(&[]).ends_with(1);
    let last = lines(refused.err()).pop().unwrap();
    assert_eq!(last["level"], "ERROR");
    assert!(last["fields"]["hint"].is_string(), "{last}");
    server.stop();
    let refused = serve(&["--error-format", "json", "--metrics=0.0.0.0:1"]).ends_with(2);
    assert!(says(
        &lines(refused.err()),
        "ERROR",
        "metrics at 0.0.0.0:1 are reached"
    ));
}

#[test]
fn serve_refuses_a_form_of_its_log_that_does_not_exist() {
    let env = TestEnv::new();
    let serve = env.call(["room", "serve", "--listen", "127.0.0.1:0"]);
    let refused = serve.env("MESHAGENT_LOG_FORMAT", "xml").run();
    refused
        .ends_with(2)
        .says("MESHAGENT_LOG_FORMAT is neither `text` nor `json`");
}
