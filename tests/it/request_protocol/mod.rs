//! One participant asks another for a secret: what the server answers, and to whom.

mod limits;
mod slow;

use std::time::{Duration, Instant};

use meshagent::wire::secrets::tool;
use meshagent::wire::{Content, ErrorCode};
use serde_json::{Value, json};

use crate::support::{Participant, TestEnv, TestServer, file, is_error, undated};

const REQUEST: &str = "secrets.request_secret";
const WITHDRAWN: &str = "secrets.request_withdrawn";

/// Asks for `url`, and does not wait for the answer.
fn ask(requester: &mut Participant, of: &Participant, url: &str) {
    let input = json!({"url": url, "type": "git", "participant_id": of.id, "timeout": 60});
    requester.ask(tool::REQUEST, Content::json(&input).unwrap());
}

fn provide(provider: &mut Participant, request: &Value, value: &[u8]) -> Content {
    let headers = json!({"request_id": request["request_id"], "error": null});
    provider.call(
        tool::PROVIDE,
        Content::binary(&headers, value.to_vec().into()).unwrap(),
    )
}

fn reject(provider: &mut Participant, request: &Value, reason: &str) -> Content {
    let headers = json!({"request_id": request["request_id"], "error": reason});
    provider.call(
        tool::PROVIDE,
        Content::binary(&headers, b"ignored".to_vec().into()).unwrap(),
    )
}

fn answer(requester: &mut Participant) -> Content {
    requester.answers(1).pop_first().unwrap().1
}

#[test]
fn a_participant_is_asked_and_its_answer_is_kept() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (mut ada, mut bob) = (server.join("ada"), server.join("bob"));
    let large = vec![0xA5; 5 << 20];
    for (url, value) in [
        ("https://a", b"\0\xffvalue".as_slice()),
        ("empty", b""),
        ("large", &large),
    ] {
        ask(&mut ada, &bob, url);
        let request = bob.pushed(REQUEST);
        let asked =
            json!({"url": url, "type": "git", "participant_id": bob.id, "timeout": 60, "delegate_to": null});
        assert_eq!(request["request"], asked);
        assert_eq!(request["requester"], json!({"id": ada.id, "name": "ada"}));
        assert!(matches!(provide(&mut bob, &request, value), Content::Empty));
        assert_eq!(file(answer(&mut ada)), (url.into(), "git".into(), value.to_vec()));
        // From now on nobody is asked: the answer is there at once.
        let again = json!({"url": url, "type": "git", "participant_id": bob.id});
        assert_eq!(file(ada.call_json(tool::REQUEST, &again)).2, value);
    }
    assert!(bob.unheard().is_empty(), "{:?}", bob.unheard());
    // Another connection of either is the same to it.
    let (mut ada, mut other_bob) = (server.join("ada"), server.join("bob"));
    let again = json!({"url": "empty", "type": "git", "participant_id": other_bob.id});
    assert_eq!(file(ada.call_json(tool::REQUEST, &again)).2, b"");
    // Another type is another thing.
    let other_type = json!({"url": "empty", "participant_id": other_bob.id});
    ada.ask(tool::REQUEST, Content::json(&other_type).unwrap());
    let request = other_bob.pushed(REQUEST);
    assert_eq!(request["request"]["type"], "application/octet-stream");
    assert_eq!(request["request"]["timeout"], 300);
    server.stop();
}

#[test]
fn an_answer_is_a_secret_of_the_provider_delegated_to_who_asked() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (mut ada, mut bob, mut eve) = (server.join("ada"), server.join("bob"), server.join("eve"));
    ask(&mut ada, &bob, "https://a");
    let request = bob.pushed(REQUEST);
    provide(&mut bob, &request, b"value");
    answer(&mut ada);
    let listed = |who: &mut Participant| {
        let list = who.call(tool::LIST, Content::Empty).into_json::<Value>().unwrap();
        list["secrets"].clone()
    };
    let entry = undated(listed(&mut ada));
    let id = entry[0]["id"].as_str().unwrap().to_owned();
    let expected = json!([{"id": id, "type": "git", "name": "https://a", "delegated_to": "ada"}]);
    assert_eq!(undated(listed(&mut bob)), expected);
    let of_bob =
        json!([{"id": id, "type": "git", "name": "https://a", "delegated_to": "ada", "owner": "bob"}]);
    assert_eq!(entry, of_bob);
    assert_eq!(listed(&mut eve), json!([]));
    let by_id = json!({"secret_id": id, "delegated_to": "ada"});
    for who in [&mut ada, &mut bob] {
        assert_eq!(file(who.call_json(tool::GET, &by_id)).2, b"value");
    }
    assert!(matches!(eve.call_json(tool::GET, &by_id), Content::Empty));
    // Nobody makes an answer of what was never asked.
    let forged = Content::binary(
        &json!({"secret_id": id, "delegated_to": "ada"}),
        b"x".to_vec().into(),
    )
    .unwrap();
    is_error(&bob.call(tool::SET, forged), ErrorCode::InvalidRequest);
    // Its owner may take it back.
    let by_id = json!({"id": id, "delegated_to": "ada"});
    assert!(matches!(bob.call_json(tool::DELETE, &by_id), Content::Empty));
    ask(&mut ada, &bob, "https://a");
    bob.pushed(REQUEST);
    server.stop();
}

#[test]
fn an_answer_for_somebody_else_is_given_to_nobody_unasked() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (mut ada, mut bob, mut eve) = (server.join("ada"), server.join("bob"), server.join("eve"));
    let for_carol = json!({"url": "u", "participant_id": bob.id, "delegate_to": "carol", "timeout": 60});
    for requester in [&mut ada, &mut eve] {
        requester.ask(tool::REQUEST, Content::json(&for_carol).unwrap());
        let request = bob.pushed(REQUEST);
        assert_eq!(request["requester"]["id"], requester.id);
        assert_eq!(request["request"]["delegate_to"], "carol");
        provide(&mut bob, &request, b"value");
        assert_eq!(file(answer(requester)).2, b"value");
    }
    // Carol, whom it is for, and bob, whose it is, get it as it is.
    let (mut carol, mut other_bob) = (server.join("carol"), server.join("bob"));
    let own = json!({"url": "u", "participant_id": bob.id});
    assert_eq!(file(carol.call_json(tool::REQUEST, &own)).2, b"value");
    assert_eq!(file(other_bob.call_json(tool::REQUEST, &for_carol)).2, b"value");
    assert!(bob.unheard().is_empty());
    server.stop();
}

#[test]
fn only_who_was_asked_may_answer_and_only_once() {
    let env = TestEnv::new();
    let server = TestServer::start_with(&env, &["--max-value-bytes", "1000"]);
    let (mut ada, mut bob, mut eve) = (server.join("ada"), server.join("bob"), server.join("eve"));
    let mut other_bob = server.join("bob");
    ask(&mut ada, &bob, "u");
    let request = bob.pushed(REQUEST);
    for foreign in [&mut eve, &mut other_bob, &mut ada] {
        is_error(&reject(foreign, &request, "no"), ErrorCode::NotFound);
    }
    for other in ["gone", "", "a\nb"] {
        let other = json!({"request_id": other});
        is_error(&provide(&mut bob, &other, b"x"), ErrorCode::NotFound);
    }
    // What is too large is refused, and the request goes on.
    is_error(
        &provide(&mut bob, &request, &[b'x'; 1001]),
        ErrorCode::InvalidRequest,
    );
    is_error(
        &provide(&mut bob, &request, &vec![b'x'; 4 << 20]),
        ErrorCode::InvalidRequest,
    );
    assert!(matches!(
        provide(&mut bob, &request, &[b'x'; 1000]),
        Content::Empty
    ));
    assert_eq!(file(answer(&mut ada)).2, [b'x'; 1000]);
    is_error(&provide(&mut bob, &request, b"again"), ErrorCode::NotFound);
    is_error(&reject(&mut bob, &request, "no"), ErrorCode::NotFound);
    let again = json!({"url": "u", "type": "git", "participant_id": bob.id});
    assert_eq!(file(ada.call_json(tool::REQUEST, &again)).2, [b'x'; 1000]);
    server.stop();
}

#[test]
fn a_rejection_is_told_with_its_reason_and_is_not_kept() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (mut ada, mut bob) = (server.join("ada"), server.join("bob"));
    for (reason, text) in [
        ("not today", "the participant rejected the request: not today"),
        ("", "the participant rejected the request"),
    ] {
        ask(&mut ada, &bob, "u");
        let request = bob.pushed(REQUEST);
        assert!(matches!(reject(&mut bob, &request, reason), Content::Empty));
        let (header, _) = answer(&mut ada).into_parts();
        let expected = json!({"type": "error", "code": 1001, "text": text, "rejected": true});
        assert_eq!(Value::Object(header), expected);
    }
    let listed = bob.call(tool::LIST, Content::Empty).into_json::<Value>().unwrap();
    assert_eq!(listed, json!({"secrets": []}));
    server.stop();
}

#[test]
fn who_is_not_there_cannot_be_asked() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (mut ada, elsewhere) = (server.join("ada"), server.join_room("bob", "other"));
    let gone = server.join("bob").leave();
    for (id, code) in [
        (elsewhere.id.as_str(), ErrorCode::NotFound),
        (&gone, ErrorCode::NotFound),
        ("bob", ErrorCode::NotFound),
        ("", ErrorCode::InvalidRequest),
    ] {
        let input = json!({"url": "u", "participant_id": id});
        is_error(&ada.call_json(tool::REQUEST, &input), code);
    }
    server.stop();
}

/// Long before the time to answer is over. What was answered before is still given.
#[test]
fn who_has_no_secrets_grant_cannot_be_asked() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (mut ada, mut bob) = (server.join("ada"), server.join("bob"));
    ask(&mut ada, &bob, "answered");
    let request = bob.pushed(REQUEST);
    provide(&mut bob, &request, b"value");
    answer(&mut ada);
    let spec = "version: v1\nkind: ParticipantToken\nidentity: bob\nroom: room\napi:\n  messaging: {}\n";
    env.write("spec.yaml", spec);
    let token = server.token_with(&["--input", "spec.yaml"], &[]);
    let mute = Participant::join(server.address(), "room", &token);
    ask(&mut ada, &mute, "other");
    let Content::Error { code, text } = answer(&mut ada) else {
        panic!("no error")
    };
    assert_eq!(code, Some(ErrorCode::OperationFailed));
    assert!(text.contains("no `secrets` grant"), "{text}");
    let oauth = json!({
        "oauth": {
            "client_id": "app",
            "authorization_endpoint": "https://idp.example/authorize",
            "token_endpoint": "https://idp.example/token",
        },
        "redirect_uri": "http://localhost:1/callback",
        "participant_id": mute.id,
    });
    is_error(
        &ada.call_json(tool::REQUEST_OAUTH, &oauth),
        ErrorCode::OperationFailed,
    );
    let answered = json!({"url": "answered", "type": "git", "participant_id": mute.id});
    assert_eq!(file(ada.call_json(tool::REQUEST, &answered)).2, b"value");
    server.stop();
}

#[test]
fn a_request_that_makes_no_sense_is_refused() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (mut ada, bob) = (server.join("ada"), server.join("bob"));
    let good = json!({"url": "u", "participant_id": bob.id, "timeout": 60});
    for (member, value) in [
        ("url", json!("")),
        ("url", json!("a\nb")),
        ("url", json!("u".repeat(2049))),
        ("url", json!(5)),
        ("type", json!("t".repeat(256))),
        ("type", json!("a\u{1b}")),
        ("timeout", json!(0)),
        ("timeout", json!(-1)),
        ("timeout", json!(1.5)),
        ("timeout", json!(86401)),
        ("delegate_to", json!("")),
        ("participant_id", json!("a\nb")),
    ] {
        let mut input = good.clone();
        input[member] = value.clone();
        is_error(&ada.call_json(tool::REQUEST, &input), ErrorCode::InvalidRequest);
    }
    assert!(bob.unheard().is_empty());
    server.stop();
}

#[test]
fn who_asked_hears_when_the_other_leaves() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (mut ada, mut bob) = (server.join("ada"), server.join("bob"));
    ask(&mut ada, &bob, "one");
    ask(&mut ada, &bob, "two");
    bob.pushed(REQUEST);
    bob.pushed(REQUEST);
    // Long before the time to answer is over.
    drop(bob);
    for answer in ada.answers(2).values() {
        is_error(answer, ErrorCode::OperationFailed);
    }
    server.stop();
}

#[test]
fn who_was_asked_hears_when_the_other_leaves() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (mut ada, mut bob) = (server.join("ada"), server.join("bob"));
    ask(&mut ada, &bob, "u");
    let request = bob.pushed(REQUEST);
    drop(ada);
    let withdrawn = json!({"request_id": request["request_id"], "reason": "withdrawn"});
    assert_eq!(bob.pushed(WITHDRAWN), withdrawn);
    is_error(&provide(&mut bob, &request, b"late"), ErrorCode::NotFound);
    // What came too late went nowhere.
    let listed = bob.call(tool::LIST, Content::Empty).into_json::<Value>().unwrap();
    assert_eq!(listed, json!({"secrets": []}));
    server.stop();
}

/// The SDKs report a message that they do not know as an error.
#[test]
fn a_client_that_does_not_say_that_it_takes_withdrawals_gets_none() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let mut ada = server.join("ada");
    let mut bob = Participant::join_as_sdk(server.address(), "room", &server.token("bob", "room", false));
    let input = json!({"url": "u", "participant_id": bob.id, "timeout": 1});
    is_error(&ada.call_json(tool::REQUEST, &input), ErrorCode::Timeout);
    let request = bob.pushed(REQUEST);
    is_error(&provide(&mut bob, &request, b"late"), ErrorCode::NotFound);
    assert!(bob.unheard().is_empty(), "{:?}", bob.unheard());
    server.stop();
}

#[test]
fn a_request_ends_when_its_time_is_over() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (mut ada, mut bob) = (server.join("ada"), server.join("bob"));
    let asked = Instant::now();
    let input = json!({"url": "u", "participant_id": bob.id, "timeout": 1});
    is_error(&ada.call_json(tool::REQUEST, &input), ErrorCode::Timeout);
    assert!(asked.elapsed() >= Duration::from_secs(1), "{:?}", asked.elapsed());
    let request = bob.pushed(REQUEST);
    let withdrawn = json!({"request_id": request["request_id"], "reason": "timed_out"});
    assert_eq!(bob.pushed(WITHDRAWN), withdrawn);
    is_error(&provide(&mut bob, &request, b"late"), ErrorCode::NotFound);
    server.stop();
}

#[test]
fn requests_for_the_same_thing_are_asked_and_answered_apart() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (mut ada, mut bob) = (server.join("ada"), server.join("bob"));
    ask(&mut ada, &bob, "u");
    ask(&mut ada, &bob, "u");
    let (one, two) = (bob.pushed(REQUEST), bob.pushed(REQUEST));
    assert_ne!(one["request_id"], two["request_id"]);
    provide(&mut bob, &one, b"first");
    provide(&mut bob, &two, b"last");
    let mut answers: Vec<_> = ada
        .answers(2)
        .into_values()
        .map(|answer| file(answer).2)
        .collect();
    answers.sort();
    assert_eq!(answers, [b"first".to_vec(), b"last".to_vec()]);
    let again = json!({"url": "u", "type": "git", "participant_id": bob.id});
    assert_eq!(file(ada.call_json(tool::REQUEST, &again)).2, b"last");
    server.stop();
}

#[test]
fn an_answer_is_deleted_by_who_gave_it_and_by_whom_it_is_for() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (mut ada, mut bob, mut eve) = (server.join("ada"), server.join("bob"), server.join("eve"));
    let answered = json!({"url": "u", "type": "git"});
    let to_ada = json!({"url": "u", "type": "git", "delegated_to": "ada"});
    let to_eve = json!({"url": "u", "type": "git", "delegated_to": "eve"});
    for (by_bob, input) in [
        (false, &answered),
        (false, &to_ada),
        (true, &answered),
        (true, &to_ada),
    ] {
        // Asked each time: what was deleted is gone.
        ask(&mut ada, &bob, "u");
        let request = bob.pushed(REQUEST);
        provide(&mut bob, &request, b"value");
        answer(&mut ada);
        is_error(&eve.call_json(tool::DELETE_REQUESTED, input), ErrorCode::NotFound);
        is_error(
            &ada.call_json(tool::DELETE_REQUESTED, &to_eve),
            ErrorCode::NotFound,
        );
        let who = if by_bob { &mut bob } else { &mut ada };
        assert!(matches!(
            who.call_json(tool::DELETE_REQUESTED, input),
            Content::Empty
        ));
        is_error(&who.call_json(tool::DELETE_REQUESTED, input), ErrorCode::NotFound);
    }
    server.stop();
}

/// What the message claims about who sends it is not believed.
#[test]
fn who_asks_is_who_is_connected() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (mut ada, mut bob) = (server.join("ada"), server.join("bob"));
    let input = json!({"url": "u", "participant_id": bob.id, "requester": {"id": "x", "name": "root"}});
    let call = json!({"toolkit": "secrets", "tool": tool::REQUEST, "participant_id": bob.id,
        "on_behalf_of_id": bob.id, "arguments": {"type": "json", "json": input}});
    ada.tell("set_attributes", &json!({"name": "root"}));
    ada.tell("room.invoke_tool", &call);
    let request = bob.pushed(REQUEST);
    assert_eq!(request["requester"], json!({"id": ada.id, "name": "ada"}));
    server.stop();
}

/// Clients before March 2026 sent each call as a message type of its own.
#[test]
fn requests_of_older_clients_are_understood() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (mut ada, mut bob) = (server.join("ada"), server.join("bob"));
    let input = json!({"url": "u", "type": "git", "participant_id": bob.id, "timeout": 60});
    ada.tell("secrets.request_secret", &input);
    let id = bob.pushed(REQUEST)["request_id"].clone();
    let provided = bob.send("secrets.provide_secret", &json!({"request_id": id}), b"\0value");
    assert!(matches!(provided, Content::Empty), "{provided:?}");
    assert_eq!(file(answer(&mut ada)).2, b"\0value");
    let deleted = ada.send(
        "secrets.delete_requested_secret",
        &json!({"url": "u", "type": "git"}),
        b"",
    );
    assert!(matches!(deleted, Content::Empty), "{deleted:?}");
    server.stop();
}

#[test]
fn who_waits_is_answered_when_the_server_stops() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (mut ada, mut bob) = (server.join("ada"), server.join("bob"));
    ask(&mut ada, &bob, "u");
    bob.pushed(REQUEST);
    server.ask_to_stop();
    is_error(&answer(&mut ada), ErrorCode::OperationFailed);
    ada.is_dropped();
    drop((ada, bob));
    server.stop();
}
