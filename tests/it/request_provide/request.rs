//! `request`, `delete-requested` and `participant list`.

use rustix::process::Signal;
use serde_json::json;

use super::{URL, ada, as_ada, ended, request};
use crate::support::{TestEnv, TestServer, signal};

/// A rule that has begun when the file `started` is there, and does not end.
const SLOW: &str = r#"
[[rule]]
url = "**"
command = ["sh", "-c", "touch started; sleep 600"]
timeout = "10m"
"#;

#[test]
fn the_bytes_come_as_they_were_given() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let big: Vec<u8> = (0..5_u32 << 20).map(|n| (n % 251) as u8).collect();
    let values: [&[u8]; 4] = [b"", b"\0\xff\r\n\x1b[2J", b"one\n", &big];
    let flags: Vec<String> = (0..values.len())
        .map(|n| {
            env.write(&format!("value-{n}"), values[n]);
            format!("--secret=https://v/{n}=file:value-{n}")
        })
        .collect();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let mut provider = ada(&server, &flags);
    for (n, value) in values.into_iter().enumerate() {
        let url = format!("https://v/{n}");
        let ran = request(&server, &["--url", &url, "--type", "x/y"])
            .run()
            .succeeds();
        assert!(ran.stdout == value, "{n}: {} bytes", ran.stdout.len());
        assert_eq!(
            ran.err(),
            format!("Waiting for ada to answer: {url} (up to 5m).\n")
        );
        // By id this time, from the answer that is there, and into a file.
        let out = format!("out-{n}");
        let way = server.with_token("bob", "room");
        let by_id = way.secret(["request", "--from-participant-id", &provider.id, "--url", &url]);
        by_id.args(["--type", "x/y", "--out", &out]).run().succeeds();
        assert!(std::fs::read(env.file(&out)).unwrap() == value, "{n}");
    }
    assert_eq!(
        provider.answers(values.len())[0],
        "bob asked for https://v/0 (type x/y): given, by --secret from file:value-0."
    );
    assert_eq!(provider.stop().len(), 2 + values.len());
}

#[test]
fn a_stored_answer_is_given_without_asking_until_it_is_deleted() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    env.write("value", "first");
    let mut provider = ada(&server, &["--secret", &format!("{URL}=value")]);
    let ask = || request(&server, &["--url", URL]).run().succeeds().stdout;
    assert_eq!(ask(), b"first");
    provider.answers(1);
    env.write("value", "second");
    assert_eq!(ask(), b"first");
    let delete = |arguments: &[&str]| {
        let call = server.with_token("bob", "room").secret(["delete-requested"]);
        call.args(arguments).run()
    };
    delete(&["--url", URL, "--type", "other"])
        .refuses(3)
        .says("no answer");
    delete(&["--url", URL]).succeeds().says("Deleted the answers for");
    delete(&["--url", URL]).refuses(3);
    assert_eq!(ask(), b"second");
    // The one who gave it may delete it too.
    as_ada(&server)
        .secret(["delete-requested", "--url", URL, "--delegated-to", "bob"])
        .run()
        .succeeds();
    assert_eq!(ask(), b"second");
    provider.answers(2);
    assert_eq!(provider.stop().len(), 5);
}

#[test]
fn nobody_of_that_name_or_two_of_it() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let here = "`meshagent room participant list` shows who is here";
    request(&server, &["--url", URL])
        .run()
        .refuses(3)
        .says("there is no participant `ada` in room room")
        .says(here);
    let bob = server.with_token("bob", "room");
    let unknown = [
        "request",
        "--from-participant-id",
        "0199",
        "--url",
        URL,
        "--quiet",
    ];
    bob.secret(unknown)
        .run()
        .refuses(3)
        .says("no participant `0199`")
        .says(here);
    let (one, two) = (ada(&server, &[]), ada(&server, &[]));
    let ran = request(&server, &["--url", URL]).run().ends_with(1);
    ran.says("ada is here 2 times")
        .says(&one.id)
        .says(&two.id)
        .says("--from-participant-id");
    // Somebody of another room.
    let elsewhere = server.with_token("bob", "other");
    elsewhere
        .secret([
            "request",
            "--from-participant-id",
            &one.id,
            "--url",
            URL,
            "--quiet",
        ])
        .run()
        .refuses(3);
}

#[test]
fn exactly_one_participant_is_named() {
    let env = TestEnv::new();
    let request = |arguments: &[&str]| {
        env.local()
            .secret(["request", "--url", URL])
            .args(arguments)
            .run()
    };
    request(&[]).ends_with(2).says("--from <NAME>");
    request(&["--from", "a", "--from-participant-id", "b"]).ends_with(2);
    request(&["--from", "a\nb"]).ends_with(2);
    env.local()
        .secret(["request", "--from", "a"])
        .run()
        .ends_with(2)
        .says("--url");
}

#[test]
fn the_target_is_checked_before_anybody_is_asked() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    env.write("there", "old");
    let provider = ada(&server, &["--secret", &format!("{URL}=there")]);
    request(&server, &["--url", URL, "--out", "there"])
        .run()
        .refuses(1);
    request(&server, &["--url", URL, "--out", "no/where"])
        .run()
        .ends_with(1);
    let said = provider.stop();
    assert_eq!(said.len(), 2, "{said:?}");
}

#[test]
fn a_rejection_has_its_reason_and_its_code() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    env.write("rules.toml", "[[rule]]\nreject = \"not \\u001b[2J today\"\n");
    let provider = ada(&server, &["--rules", "rules.toml"]);
    let ran = request(&server, &["--url", URL, "--quiet"]).run().refuses(5);
    ran.says("rejected the request: not \\u{1b}[2J today");
    let ran = request(&server, &["--url", URL, "--quiet", "--error-format=json"])
        .run()
        .ends_with(5);
    let error: serde_json::Value = serde_json::from_str(ran.err()).unwrap();
    assert_eq!(error["error"]["kind"], "rejected", "{error}");
    assert_eq!(error["error"]["exit_code"], 5, "{error}");
    provider.stop();
}

#[test]
fn a_participant_that_does_not_answer_in_time() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let silent = server.join("ada");
    let bob = server.with_token("bob", "room");
    let ask = bob.secret(["request", "--from-participant-id", &silent.id, "--url", URL]);
    let ran = ask.args(["--timeout", "1", "--quiet"]).run().fails(6);
    ran.says("did not answer within 1 s");
}

#[test]
fn a_participant_that_leaves() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    env.write("rules.toml", SLOW);
    let provider = ada(&server, &["--rules", "rules.toml"]);
    let asking = request(&server, &["--url", URL, "--quiet"]).spawn();
    env.awaits("started");
    provider.stop();
    ended(asking).fails(1).says("left");
}

#[test]
fn a_requester_that_leaves_takes_its_request_back() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    env.write("rules.toml", SLOW);
    let mut provider = ada(&server, &["--rules", "rules.toml"]);
    for (by, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let asking = request(&server, &["--url", URL, "--out", "out"]).spawn();
        env.awaits("started");
        signal(&asking, by);
        ended(asking).ends_with(code);
        provider.says("bob asked for https://db.example/main (type application/octet-stream): taken back, the other side");
        std::fs::remove_file(env.file("started")).unwrap();
    }
    assert_eq!(env.files(), ["rules.toml"]);
    provider.stop();
}

#[test]
fn who_is_here() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let list = |arguments: &[&str]| {
        let call = server.with_token("bob", "room").room(["participant", "list"]);
        call.args(arguments).run().succeeds()
    };
    assert_eq!(list(&[]).json(), json!([]));
    let empty = list(&["--output", "table"]);
    assert_eq!((empty.out(), empty.err()), ("", "Nobody else is in room room.\n"));
    let (provider, silent) = (ada(&server, &[]), server.join("carol"));
    let expected = json!([{"id": provider.id, "name": "ada", "role": "user"}]);
    assert_eq!(list(&[]).json(), expected);
    let table = list(&["--output", "table"]);
    let lines: Vec<Vec<&str>> = table
        .out()
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        lines,
        [vec!["ID", "NAME", "ROLE"], vec![&provider.id, "ada", "user"]]
    );
    drop(silent);
}

#[test]
fn nobody_else_is_in_a_room_without_a_server() {
    let env = TestEnv::new();
    let alone = "no server runs on this machine";
    let ask = ["request", "--from", "ada", "--url", URL];
    env.local()
        .secret(ask)
        .run()
        .refuses(1)
        .says(alone)
        .says("meshagent room serve");
    env.local().secret(["provide"]).run().refuses(1).says(alone);
    env.local()
        .room(["participant", "list"])
        .run()
        .refuses(1)
        .says(alone);
    // Answers that were given earlier need nobody else.
    let delete = ["delete-requested", "--url", URL];
    env.local().secret(delete).run().refuses(3).says("no answer");
}

#[test]
fn in_local_mode_a_running_server_is_used() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    env.write("value", "given");
    let way = env.local_as("ada");
    let mut provider =
        crate::support::Provider::start(&way, &["--secret", &format!("{URL}=value"), "--once"]);
    let ask = ["request", "--from", "ada", "--url", URL];
    assert_eq!(env.local().secret(ask).run().succeeds().stdout, b"given");
    provider.says("alice asked for");
    let (output, said) = provider.ends();
    assert!(output.status.success(), "{said:?}");
    assert!(said[1].contains("--local"), "{said:?}");
    server.stop();
}

#[test]
fn a_url_is_checked_before_anything_is_done() {
    let env = TestEnv::new();
    let long = "u".repeat(2049);
    for (url, why) in [
        ("", "it is empty"),
        ("a\nb", "it has a control character"),
        (&long, "it has more than 2048 bytes"),
    ] {
        for command in [&["request", "--from", "ada"][..], &["delete-requested"]] {
            let call = env.local().secret(command.iter().copied());
            let ran = call.args(["--url", url]).run().ends_with(2);
            let ran = ran.says("--url").says(why);
            assert!(!ran.err().contains("Waiting"), "{}", ran.err());
        }
    }
}

#[test]
fn what_the_server_does_not_take() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let provider = ada(&server, &[]);
    for wrong in [
        &["--url", URL, "--type", "\u{1b}"][..],
        &["--url", URL, "--timeout", "2d"],
    ] {
        let ran = request(&server, wrong).arg("--quiet").run().refuses(2);
        ran.says("check --url, --type and --timeout");
    }
    assert_eq!(provider.stop().len(), 2);
}
