//! The audit log of a server, and the commands about it.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use meshagent::wire::secrets::tool;
use meshagent::wire::{Content, ErrorCode};
use rusqlite::Connection;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::{Call, Participant, TestEnv, TestServer, ends_soon, is_error, request, signal, upgrade};

const CANARY: &str = "canary-in-the-coal-mine";

fn audit<const N: usize>(env: &TestEnv, arguments: [&str; N]) -> Call {
    env.call(["room", "audit"]).args(arguments)
}

fn entries<const N: usize>(env: &TestEnv, filter: [&str; N]) -> Vec<Value> {
    let listed = audit(env, ["list", "--output", "json", "--limit", "0"])
        .args(filter)
        .run();
    listed.succeeds().json().as_array().unwrap().clone()
}

fn column(entries: &[Value], member: &str) -> Vec<String> {
    let texts = entries
        .iter()
        .map(|entry| entry[member].as_str().unwrap_or_default());
    texts.map(str::to_owned).collect()
}

fn set(participant: &mut Participant, headers: Value) {
    let input = Content::Binary {
        headers: serde_json::from_value(headers).unwrap(),
        data: CANARY.as_bytes().to_vec().into(),
    };
    assert!(matches!(participant.call(tool::SET, input), Content::Empty));
}

fn error_text(content: &Content) -> &str {
    let Content::Error { text, .. } = content else {
        panic!("{content:?}")
    };
    text
}

fn database(env: &TestEnv) -> PathBuf {
    env.data_dir().join("store.db")
}

#[test]
fn room_audit_list_shows_each_access_and_no_value() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (mut ada, mut bob) = (server.join("ada"), server.join("bob"));
    set(&mut ada, json!({"secret_id": "one", "delegated_to": "bob"}));
    bob.call_json(tool::GET, &json!({"secret_id": "one", "delegated_by": "ada"}));
    bob.call_json(tool::GET, &json!({"secret_id": "nothing"}));
    bob.call_json(tool::EXISTS, &json!({"secret_id": "one", "delegated_by": "ada"}));
    bob.call_json(tool::GET, &json!({}));
    ada.call(tool::LIST, Content::Empty);
    is_error(
        &bob.call_json(tool::DELETE, &json!({"id": "one"})),
        ErrorCode::NotFound,
    );
    bob.call_json("no_such_tool", &json!({}));
    let asked = json!({"url": "https://a.example", "type": "git", "participant_id": ada.id});
    bob.ask(tool::REQUEST, Content::json(&asked).unwrap());
    let request_id = ada.pushed("secrets.request_secret")["request_id"].clone();
    let rejected = Content::Binary {
        headers: serde_json::from_value(json!({"request_id": request_id, "error": "no"})).unwrap(),
        data: Vec::new().into(),
    };
    ada.call(tool::PROVIDE, rejected);
    bob.answers(1);
    let id = json!({"id": "one", "delegated_to": "bob"});
    assert!(matches!(ada.call_json(tool::DELETE, &id), Content::Empty));

    let found = entries(&env, []);
    let mut ended: Vec<(String, String)> = column(&found, "operation")
        .into_iter()
        .zip(column(&found, "outcome"))
        .collect();
    // The one that asks and the one that is asked are answered at the same time.
    ended[7..9].sort();
    let expected = [
        ("set_secret", "done"),
        ("get_secret", "done"),
        ("get_secret", "not-found"),
        ("exists", "done"),
        ("get_secret", "invalid"),
        ("list_secrets", "done"),
        ("delete_secret", "not-found"),
        ("reject_request", "done"),
        ("request_secret", "denied"),
        ("delete_secret", "done"),
    ];
    assert_eq!(
        ended,
        expected.map(|(operation, outcome)| (operation.to_owned(), outcome.to_owned()))
    );
    let read = &found[1];
    for (member, value) in [
        ("seq", json!(2)),
        ("room", json!("room")),
        ("identity", json!("bob")),
        ("participant_id", json!(bob.id)),
        ("owner", json!("ada")),
        ("secret", json!("one")),
        ("delegated_to", json!("bob")),
        ("count", json!(null)),
    ] {
        assert_eq!(read[member], value, "{member}: {read}");
    }
    for member in ["token_id", "api_key_id"] {
        assert_eq!(read[member].as_str().unwrap().len(), 36, "{read}");
    }
    assert!(read["peer"].as_str().unwrap().starts_with("127.0.0.1:"), "{read}");
    assert_eq!(found[5]["count"], json!(1));
    assert!(!format!("{found:?}").contains(CANARY));

    let operations = |filter: [&str; 4]| column(&entries(&env, filter), "operation");
    assert_eq!(
        operations(["--identity", "ada", "--op", "list_secrets"]),
        ["list_secrets"]
    );
    assert_eq!(
        operations(["--secret", "nothing", "--room", "room"]),
        ["get_secret"]
    );
    assert_eq!(
        operations(["--outcome", "denied", "--since", "1h"]),
        ["request_secret"]
    );
    assert!(operations(["--until", "1h", "--room", "room"]).is_empty());
    let last = audit(&env, ["list", "--limit", "2", "--output", "table"])
        .run()
        .succeeds();
    assert_eq!(last.out().lines().count(), 3, "{}", last.out());
    server.stop();

    // Commands with --local are participants too.
    env.local().set("mine", CANARY);
    let local = entries(&env, ["--secret", "mine"]);
    assert_eq!(column(&local, "operation"), ["set_secret"]);
    assert_eq!(local[0]["peer"], json!(null));
    audit(&env, ["verify"])
        .run()
        .succeeds()
        .says("The audit log is intact: 11 entries");
}

#[test]
fn room_audit_list_without_a_store_makes_none() {
    let env = TestEnv::new();
    audit(&env, ["list"])
        .run()
        .refuses(3)
        .says("there is no store in");
    assert!(!env.data_dir().exists());
    audit(&env, ["list", "--outcome", "x"])
        .run()
        .ends_with(2)
        .says("give one of done");
    audit(&env, ["list", "--since", "soon"])
        .run()
        .ends_with(2)
        .says("how long ago");
}

#[test]
fn secret_audit_tells_the_owner_and_nobody_else() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (mut ada, mut bob) = (server.join("ada"), server.join("bob"));
    for id in ["one", "two"] {
        set(&mut ada, json!({"secret_id": id, "delegated_to": "bob"}));
        bob.call_json(tool::GET, &json!({"secret_id": id, "delegated_by": "ada"}));
    }
    let shown = server
        .with_token("ada", "room")
        .secret(["audit", "one", "--output", "json"])
        .run();
    let shown = shown.succeeds().json();
    let shown = shown.as_array().unwrap();
    assert_eq!(column(shown, "operation"), ["get_secret", "set_secret"]);
    assert_eq!(column(shown, "identity"), ["bob", "ada"]);
    assert_eq!(
        column(shown, "participant_id"),
        [bob.id.as_str(), ada.id.as_str()]
    );
    assert!(shown[0].get("peer").is_none() && shown[0].get("token_id").is_none());
    let table = server
        .with_token("ada", "room")
        .secret(["audit", "one", "--output", "table"])
        .run();
    // The question before is an access too.
    assert_eq!(table.succeeds().out().lines().count(), 4);

    // What the delegate, and a stranger, may not see looks like what never was.
    for (id, who) in [
        ("one", &mut bob),
        ("nothing", &mut ada),
        ("one", &mut server.join("eve")),
    ] {
        let answer = who.call_json(tool::AUDIT, &json!({"secret_id": id}));
        let Content::Json(answer) = answer else {
            panic!("{answer:?}")
        };
        // Of `nothing`, and of `one` for the others, there are only these questions themselves.
        assert_eq!(Value::Object(answer), json!({"accesses": []}));
    }
    for (input, text) in [
        (json!({"secret_id": "one", "limit": 0}), "`limit` is at least 1"),
        (json!({"secret_id": "one", "after": "x"}), "`after` is not"),
        (json!({"secret_id": ""}), "`secret_id` is not usable"),
    ] {
        let answer = ada.call_json(tool::AUDIT, &input);
        is_error(&answer, ErrorCode::InvalidRequest);
        assert!(error_text(&answer).contains(text), "{}", error_text(&answer));
    }

    // In pages: each has the next one's start.
    let (mut after, mut seen) = (json!(null), Vec::new());
    loop {
        let page = ada.call_json(
            tool::AUDIT,
            &json!({"secret_id": "two", "limit": 1, "after": after}),
        );
        let Content::Json(page) = page else {
            panic!("{page:?}")
        };
        seen.extend(page["accesses"].as_array().unwrap().clone());
        match page.get("next") {
            Some(next) => after = next.clone(),
            None => break,
        }
    }
    let seen = column(&seen, "operation");
    assert_eq!(seen[seen.len() - 2..], ["get_secret", "set_secret"]);
    server.stop();
}

#[test]
fn room_audit_verify_finds_what_was_changed_and_what_was_cut_off() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let way = server.with_key("room");
    for id in ["one", "two", "three"] {
        way.set(id, CANARY);
    }
    let verified = audit(&env, ["verify"]).run().succeeds();
    let early = verified.out().trim().to_owned();
    assert!(early.starts_with("3:"), "{early}");
    way.get("one");
    let copy = env.file("copy.db");
    Connection::open(database(&env))
        .unwrap()
        .execute("VACUUM INTO ?", [copy.to_str().unwrap()])
        .unwrap();
    way.get("two");
    server.ask_to_stop();
    server.await_log("audit log anchor=5:");
    let log = server.log();
    let (_, anchor) = log.rsplit_once("audit log anchor=").unwrap();
    let anchor = anchor.split_whitespace().next().unwrap().to_owned();
    server.stop();
    for anchor in [&early, &anchor] {
        audit(&env, ["verify", "--anchor", anchor]).run().succeeds();
    }
    let other = format!("4{}", &anchor[1..]);
    audit(&env, ["verify", "--anchor", &other])
        .run()
        .refuses(1)
        .says("entry 4 is not the one of the anchor");
    audit(&env, ["verify", "--anchor", "5:ab"])
        .run()
        .ends_with(2)
        .says("64 hex digits");

    let change = |sql: &str| {
        Connection::open(database(&env))
            .unwrap()
            .execute_batch(sql)
            .unwrap();
    };
    change("UPDATE audit SET identity = 'mallory' WHERE seq = 2");
    audit(&env, ["verify"])
        .run()
        .refuses(1)
        .says("entry 2 was changed");
    change("DELETE FROM audit WHERE seq IN (2, 3)");
    audit(&env, ["verify"])
        .run()
        .refuses(1)
        .says("entries 2 to 3 are missing");

    // An older copy in its place is whole, and lacks the end.
    std::fs::remove_file(env.data_dir().join("store.commits")).unwrap();
    std::fs::copy(&copy, database(&env)).unwrap();
    audit(&env, ["verify"]).run().succeeds();
    audit(&env, ["verify", "--anchor", &anchor])
        .run()
        .refuses(1)
        .says("the log ends with entry 4, and the anchor is of entry 5");
}

#[test]
fn room_audit_prune_leaves_a_log_that_is_verified() {
    let env = TestEnv::new();
    env.local().set("one", CANARY);
    env.local().get("one");
    audit(&env, ["prune", "--before", "1h", "--yes"])
        .run()
        .succeeds()
        .says("Removed 0 entries");
    audit(&env, ["prune", "--before", "2999-01-01", "--yes"])
        .run()
        .succeeds()
        .says("Removed 1 entry.");
    let left = entries(&env, []);
    assert_eq!(column(&left, "operation"), ["get_secret", "prune_audit"]);
    assert_eq!(left[1]["count"], json!(1));
    assert!(!left[1]["identity"].as_str().unwrap().is_empty());
    audit(&env, ["verify"])
        .run()
        .succeeds()
        .says("2 entries; those up to 1 were pruned");
}

#[test]
fn serve_answers_nothing_while_its_audit_log_cannot_be_written() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let mut ada = server.join("ada");
    set(&mut ada, json!({"secret_id": "one"}));
    let database = Connection::open(database(&env)).unwrap();
    let head = |operator: &str| {
        let sql = format!("UPDATE audit_head SET seq = seq {operator} 1");
        database.execute_batch(&sql).unwrap();
    };
    head("+");
    let read = json!({"secret_id": "one"});
    let withheld = ada.call_json(tool::GET, &read);
    is_error(&withheld, ErrorCode::OperationFailed);
    let text = error_text(&withheld);
    assert!(text.contains("cannot write its audit log"), "{text}");
    assert!(
        text.contains("try again later") && !text.contains(CANARY),
        "{text}"
    );
    is_error(
        &ada.call_json(tool::DELETE, &json!({"id": "one"})),
        ErrorCode::OperationFailed,
    );
    let ready = request(server.address(), "GET", "/readyz", &[]);
    assert_eq!(ready.status, 503);
    assert!(
        ready.body.contains("the audit log cannot be written"),
        "{}",
        ready.body
    );
    head("-");
    server.await_log("the audit log can be written again");
    assert_eq!(request(server.address(), "GET", "/readyz", &[]).status, 200);
    let Content::File { data, .. } = ada.call_json(tool::GET, &read) else {
        panic!()
    };
    assert_eq!(data.expose(), CANARY.as_bytes());
    let found = entries(&env, []);
    assert_eq!(
        column(&found, "operation"),
        ["set_secret", "resume_audit", "get_secret"]
    );
    assert_eq!(found[1]["count"], json!(2));
    audit(&env, ["verify"]).run().succeeds();
    server.stop();
}

#[test]
fn a_server_that_is_killed_under_load_has_an_entry_for_each_answer() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let answered: Vec<_> = (0..4)
        .map(|number| {
            let mut participant = server.join(&format!("p{number}"));
            set(&mut participant, json!({"secret_id": "one"}));
            let answered = Arc::new(AtomicUsize::new(1));
            let counts = Arc::clone(&answered);
            // Ends with the connection.
            let calls = thread::spawn(move || {
                for call in 0.. {
                    if call % 3 == 0 {
                        set(&mut participant, json!({"secret_id": "one"}));
                    } else {
                        let read = participant.call_json(tool::GET, &json!({"secret_id": "one"}));
                        assert!(matches!(read, Content::File { .. }));
                    }
                    counts.fetch_add(1, Ordering::SeqCst);
                }
            });
            (answered, calls)
        })
        .collect();
    while answered
        .iter()
        .any(|(answered, _)| answered.load(Ordering::SeqCst) < 50)
    {
        thread::yield_now();
    }
    server.kill();
    let answered: Vec<usize> = answered
        .into_iter()
        .map(|(answered, calls)| {
            assert!(calls.join().is_err(), "the server was killed");
            answered.load(Ordering::SeqCst)
        })
        .collect();
    audit(&env, ["verify"]).run().succeeds();
    for (number, answered) in answered.into_iter().enumerate() {
        let recorded = entries(&env, ["--identity", &format!("p{number}")]).len();
        // One call may have been recorded and not answered.
        assert!(
            (answered..=answered + 1).contains(&recorded),
            "{recorded} {answered}"
        );
    }
}

#[test]
fn room_audit_follow_shows_entries_as_they_are_recorded() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let way = server.with_key("room");
    way.set("one", CANARY);
    let mut follow = audit(
        &env,
        ["follow", "--output", "json", "--op", "get_secret", "--last", "5"],
    )
    .spawn();
    let mut lines = BufReader::new(follow.stdout.take().unwrap()).lines();
    for id in ["one", "two"] {
        way.secret(["get", id]).run();
        let line: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert_eq!(line["secret"], json!(id));
    }
    signal(&follow, Signal::INT);
    ends_soon(follow);
    server.stop();
}

#[test]
fn refused_joins_are_counted_in_one_entry() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    for _ in 0..20 {
        assert_eq!(upgrade(server.address(), "/rooms/room?token=x", &[]).status, 403);
    }
    // What is left of a minute is recorded when the server stops.
    server.stop();
    let found = entries(&env, []);
    assert_eq!(column(&found, "operation"), ["join"]);
    assert_eq!(
        (&found[0]["outcome"], &found[0]["count"]),
        (&json!("denied"), &json!(20))
    );
}

#[test]
fn serve_without_an_audit_log_records_nothing() {
    let env = TestEnv::new();
    let server = TestServer::start_with(&env, &["--audit", "off"]);
    server.with_key("room").set("one", CANARY);
    server.with_key("room").get("one");
    assert!(entries(&env, []).is_empty());
    server.stop();
    let server = TestServer::start_with(&env, &["--audit-sync", "1s", "--audit-keep", "1d"]);
    server.with_key("room").get("one");
    assert_eq!(column(&entries(&env, []), "operation"), ["get_secret"]);
    server.stop();
}

#[test]
fn commands_that_change_keys_are_in_the_audit_log() {
    let env = TestEnv::new();
    env.call(["api-key", "create", "--name", "ci"]).run().succeeds();
    env.call(["token", "revoke", "--identity", "bob"])
        .run()
        .succeeds();
    let found = entries(&env, []);
    assert_eq!(
        column(&found, "operation"),
        ["create_api_key", "revoke_tokens_of_identity"]
    );
    assert_eq!(found[1]["secret"], json!("bob"));
    assert_eq!(found[0]["peer"], json!(null));
}
