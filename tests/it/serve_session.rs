//! A participant that speaks the protocol by hand: what the server answers, and when it hangs up.

use std::time::{SystemTime, UNIX_EPOCH};

use meshagent::token::{ApiKey, ApiScope, ParticipantToken};
use meshagent::wire::secrets::tool;
use meshagent::wire::{Content, ErrorCode, Identity, Packet, RoomName};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::support::{Participant, TestEnv, TestServer, file, is_error};

fn json_input(value: &Value) -> Content {
    Content::json(value).unwrap()
}

fn set(participant: &mut Participant, id: &str, value: &[u8]) -> Content {
    let headers = json!({"secret_id": id, "has_data": true});
    participant.call(
        tool::SET,
        Content::binary(&headers, value.to_vec().into()).unwrap(),
    )
}

/// Whether the participant is still answered.
fn works(participant: &mut Participant) -> bool {
    matches!(
        participant.call(tool::LIST, json_input(&json!({}))),
        Content::Json(_)
    )
}

#[test]
fn every_call_is_answered_and_a_bad_one_harms_no_other() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let mut bob = server.join("bob");
    let empty = || json_input(&json!({}));
    is_error(&bob.call_of("nonsense", "tool", empty()), ErrorCode::NotFound);
    is_error(&bob.call("nonsense", empty()), ErrorCode::NotFound);
    is_error(&bob.call("", Content::Empty), ErrorCode::NotFound);
    is_error(
        &bob.send("nonsense.type", &json!({}), b""),
        ErrorCode::InvalidRequest,
    );
    is_error(
        &bob.send("room.invoke_tool", &json!({}), b""),
        ErrorCode::InvalidRequest,
    );
    is_error(
        &bob.send("room.invoke_tool", &json!([1]), b""),
        ErrorCode::InvalidRequest,
    );
    is_error(&bob.call(tool::GET, empty()), ErrorCode::InvalidRequest);
    is_error(
        &bob.call(tool::GET, Content::Text("a".into())),
        ErrorCode::InvalidRequest,
    );
    is_error(&bob.call(tool::SET, empty()), ErrorCode::InvalidRequest);
    is_error(&bob.call(tool::EXISTS, empty()), ErrorCode::InvalidRequest);
    is_error(
        &bob.call(tool::DELETE, json_input(&json!({"id": 1}))),
        ErrorCode::InvalidRequest,
    );
    is_error(
        &bob.call(tool::DELETE, json_input(&json!({"id": "gone"}))),
        ErrorCode::NotFound,
    );
    for id in ["", "a\nb", &"a".repeat(256)] {
        is_error(&set(&mut bob, id, b"x"), ErrorCode::InvalidRequest);
    }
    let for_carol = json!({"secret_id": "a", "for_identity": "carol"});
    let for_carol = Content::binary(&for_carol, b"x".to_vec().into()).unwrap();
    is_error(&bob.call(tool::SET, for_carol), ErrorCode::PermissionDenied);
    let without_value = json!({"secret_id": "a", "has_data": false});
    let without_value = Content::binary(&without_value, Vec::new().into()).unwrap();
    is_error(&bob.call(tool::SET, without_value), ErrorCode::NotFound);
    let listed = bob.call(tool::LIST, Content::Empty).into_json::<Value>().unwrap();
    assert_eq!(listed, json!({"secrets": []}));
    server.stop();
}

#[test]
fn set_without_a_value_changes_type_and_name_alone() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let mut bob = server.join("bob");
    assert!(matches!(set(&mut bob, "a", b"value"), Content::Empty));
    let mut relabel = |labels: Value| {
        let mut headers = json!({"secret_id": "a", "has_data": false});
        headers
            .as_object_mut()
            .unwrap()
            .extend(labels.as_object().unwrap().clone());
        let done = bob.call(tool::SET, Content::binary(&headers, Vec::new().into()).unwrap());
        assert!(matches!(done, Content::Empty), "{done:?}");
        file(bob.call(tool::GET, json_input(&json!({"secret_id": "a"}))))
    };
    let octets = "application/octet-stream";
    let renamed = relabel(json!({"name": "n"}));
    assert_eq!(renamed, ("n".into(), octets.into(), b"value".to_vec()));
    let retyped = relabel(json!({"type": "git"}));
    assert_eq!(retyped, ("n".into(), "git".into(), b"value".to_vec()));
    // An empty value that is said to be one is a value.
    assert!(matches!(set(&mut bob, "a", b""), Content::Empty));
    let emptied = file(bob.call(tool::GET, json_input(&json!({"secret_id": "a"}))));
    assert_eq!(emptied, ("a".into(), octets.into(), Vec::new()));
    server.stop();
}

#[test]
fn a_secret_is_found_by_name_and_type() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let mut bob = server.join("bob");
    for (id, kind, name) in [
        ("a", "text/plain", "one"),
        ("b", "text/plain", "two"),
        ("c", "git", "two"),
    ] {
        let headers = json!({"secret_id": id, "type": kind, "name": name});
        let content = Content::binary(&headers, id.as_bytes().to_vec().into()).unwrap();
        assert!(matches!(bob.call(tool::SET, content), Content::Empty));
    }
    let mut find = |by: Value| bob.call(tool::GET, json_input(&by));
    assert_eq!(
        file(find(json!({"name": "one"}))),
        ("one".into(), "text/plain".into(), b"a".to_vec())
    );
    assert_eq!(file(find(json!({"type": "git"}))).2, b"c");
    assert_eq!(file(find(json!({"name": "two", "type": "text/plain"}))).2, b"b");
    is_error(&find(json!({"type": "text/plain"})), ErrorCode::Conflict);
    is_error(&find(json!({"name": "two"})), ErrorCode::Conflict);
    assert!(matches!(find(json!({"name": "three"})), Content::Empty));
    assert!(matches!(
        find(json!({"secret_id": "a", "type": "git"})),
        Content::Empty
    ));
    server.stop();
}

#[test]
fn a_secret_without_an_id_gets_one() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let mut bob = server.join("bob");
    let content = Content::binary(&json!({"name": "named"}), b"x".to_vec().into()).unwrap();
    let answer = bob.call(tool::SET, content).into_json::<Value>().unwrap();
    let listed = bob.call(tool::LIST, Content::Empty).into_json::<Value>().unwrap();
    assert_eq!(listed["secrets"][0]["name"], "named");
    assert!(!listed["secrets"][0]["id"].as_str().unwrap().is_empty());
    assert_eq!(answer, json!({"id": listed["secrets"][0]["id"]}));
    server.stop();
}

/// Clients before March 2026 sent each call as a message type of its own.
#[test]
fn calls_of_older_clients_are_understood() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let mut bob = server.join("bob");
    let header =
        json!({"secret_id": "a", "type": "text/plain", "name": "n", "__meshagent__": {"v": 1, "otel": {}}});
    assert!(matches!(
        bob.send("secrets.set_secret", &header, b"\0value"),
        Content::Empty
    ));
    let by_id = json!({"secret_id": "a"});
    let got = bob.send("secrets.get_secret", &by_id, b"");
    assert_eq!(file(got), ("n".into(), "text/plain".into(), b"\0value".to_vec()));
    // Without a value, type and name alone change.
    let renamed = json!({"secret_id": "a", "name": "m"});
    assert!(matches!(
        bob.send("secrets.set_secret", &renamed, b""),
        Content::Empty
    ));
    let got = bob.send("secrets.get_secret", &by_id, b"");
    assert_eq!(file(got), ("m".into(), "text/plain".into(), b"\0value".to_vec()));
    let exists = bob
        .send("secrets.exists", &by_id, b"")
        .into_json::<Value>()
        .unwrap();
    assert_eq!(exists, json!({"exists": true}));
    let list = bob
        .send("secrets.list_secrets", &json!({}), b"")
        .into_json::<Value>()
        .unwrap();
    assert_eq!(list["secrets"][0]["id"], "a");
    let by_id = json!({"id": "a"});
    assert!(matches!(
        bob.send("secrets.delete_secret", &by_id, b""),
        Content::Empty
    ));
    is_error(
        &bob.send("secrets.delete_secret", &by_id, b""),
        ErrorCode::NotFound,
    );
    is_error(
        &bob.send("secrets.nonsense", &json!({}), b""),
        ErrorCode::NotFound,
    );
    server.stop();
}

#[test]
fn a_value_that_is_too_large_is_answered_and_the_connection_goes_on() {
    let env = TestEnv::new();
    let server = TestServer::start_with(&env, &["--max-value-bytes", "1000"]);
    let mut bob = server.join("bob");
    assert!(matches!(set(&mut bob, "fits", &[b'x'; 1000]), Content::Empty));
    is_error(&set(&mut bob, "over", &[b'x'; 1001]), ErrorCode::InvalidRequest);
    // More than the server keeps of any message.
    is_error(
        &set(&mut bob, "far-over", &vec![b'x'; 4 << 20]),
        ErrorCode::InvalidRequest,
    );
    assert!(works(&mut bob));
    let way = server.with_token("bob", "room");
    let large = vec![b'x'; 1001];
    let ran = way.secret(["set", "over"]).stdin(&large).run().ends_with(2);
    assert!(ran.err().contains("1000 bytes"), "{}", ran.err());
    assert_eq!(way.get("fits"), [b'x'; 1000]);
    way.secret(["get", "over"]).run().refuses(3);
    server.stop();
}

#[test]
fn breaking_the_protocol_ends_the_connection_and_no_other() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let mut bob = server.join("bob");
    let first = Packet::First {
        message_id: 7,
        packet_count: 2,
        kind: "room.invoke_tool",
    };
    let early = Packet::Data {
        message_id: 7,
        index: 2,
        data: b"x",
    };
    let foreign = Packet::Data {
        message_id: 8,
        index: 1,
        data: b"x",
    };
    for packets in [
        vec![b"short".to_vec()],
        vec![Vec::new()],
        vec![early.encode()],
        vec![first.encode(), early.encode()],
        vec![first.encode(), foreign.encode()],
    ] {
        let mut bad = server.join("mallory");
        for packet in packets {
            bad.send_packet(packet);
        }
        let frame = bad.close_frame().unwrap();
        assert_eq!(frame.code, CloseCode::Protocol);
        assert!(!frame.reason.is_empty());
    }
    assert!(works(&mut bob));
    server.stop();
}

#[test]
fn a_silent_participant_is_dropped_and_one_that_answers_pings_is_not() {
    let env = TestEnv::new();
    let server = TestServer::start_with(&env, &["--ping-interval", "1", "--idle-timeout", "3"]);
    let (silent, mut lively) = (server.join("silent"), server.join("lively"));
    // Reading is what answers pings: nothing is read from the silent one while the other sees five.
    for _ in 0..5 {
        assert!(lively.answers_a_ping());
    }
    assert!(works(&mut lively));
    let came = silent.unanswered();
    assert!(came.starts_with(b"\x89\0\x89\0"), "no two pings but {came:?}");
    // A close frame begins with 0x88 (RFC 6455, section 5.2).
    assert!(!came.contains(&0x88), "{came:?}");
    assert!(server.log().contains("nothing was heard for too long"));
    server.stop();
}

#[test]
fn a_server_that_stops_sends_no_close_frame() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (mut bob, mut carol) = (server.join("bob"), server.join("carol"));
    assert!(matches!(set(&mut bob, "a", b"kept"), Content::Empty));
    let dropped = std::thread::spawn(move || {
        bob.is_dropped();
        carol.is_dropped();
    });
    server.stop();
    dropped.join().unwrap();
    assert!(env.data_dir().join("client.env").exists());
    assert!(!env.data_dir().join("address").exists());
    assert_eq!(env.local_as("bob").get("a"), b"kept");
}

/// What others say stands in the log as one line, and steers no terminal that shows it.
#[test]
fn nobody_writes_lines_of_their_own_into_the_log() {
    let env = TestEnv::new();
    let server = TestServer::start_with(&env, &["-vvv"]);
    let mut bob = server.join("bob\u{200b}");
    let evil = "x\n2000-01-01T00:00:00Z  INFO forged\r\x1b[2J";
    is_error(&bob.call_of(evil, evil, Content::Empty), ErrorCode::NotFound);
    is_error(&bob.call(evil, Content::Empty), ErrorCode::NotFound);
    is_error(&bob.send(evil, &json!({}), b""), ErrorCode::InvalidRequest);
    drop(bob);
    let log = server.log();
    assert!(!log.contains(['\x1b', '\r']), "{log:?}");
    assert!(!log.lines().any(|line| line.starts_with("2000")), "{log}");
    server.stop();
}

#[test]
fn a_slow_reader_is_dropped_and_holds_up_nobody() {
    let env = TestEnv::new();
    let server = TestServer::start_with(&env, &["--send-timeout", "1"]);
    let (mut slow, mut bob) = (server.join("bob"), server.join("bob"));
    assert!(matches!(
        set(&mut bob, "large", &vec![b'x'; 16 << 20]),
        Content::Empty
    ));
    slow.ask(tool::GET, json_input(&json!({"secret_id": "large"})));
    // The server's log tells when it has given up; until then the other is answered.
    let mut answered = 0;
    while server.log().matches("left").count() == 0 {
        assert!(works(&mut bob));
        answered += 1;
    }
    assert!(answered > 1, "{answered}");
    assert!(works(&mut bob));
    server.stop();
}

/// What waits for a participant that does not take its answers is in the store, and not in memory: it is
/// read when there is room for it, and so is what was set meanwhile.
#[test]
fn values_wait_in_the_store_for_a_slow_reader() {
    let env = TestEnv::new();
    let size = 1 << 20;
    let server = TestServer::start_with(&env, &["--max-value-bytes", &size.to_string()]);
    let (mut slow, mut bob) = (server.join("bob"), server.join("bob"));
    assert!(matches!(set(&mut bob, "a", &vec![b'1'; size]), Content::Empty));
    // More than the sockets hold.
    for _ in 0..60 {
        slow.ask(tool::GET, json_input(&json!({"secret_id": "a"})));
    }
    assert!(matches!(set(&mut bob, "a", &vec![b'2'; size]), Content::Empty));
    let mut later = 0;
    for answer in slow.answers(60).into_values() {
        let value = file(answer).2;
        assert_eq!(value.len(), size);
        later += usize::from(value.first() == Some(&b'2'));
    }
    // Without a limit most are read before the value is set again.
    assert!(later > 30, "{later}");
    server.stop();
}

#[test]
fn many_calls_in_flight_are_all_answered() {
    let env = TestEnv::new();
    for flags in [&[][..], &["--max-calls", "1"]] {
        let server = TestServer::start_with(&env, flags);
        let mut bob = server.join("bob");
        assert!(matches!(set(&mut bob, "a", &[b'x'; 3000]), Content::Empty));
        for number in 0..300 {
            let id = if number % 2 == 0 { "a" } else { "gone" };
            bob.ask(tool::GET, json_input(&json!({"secret_id": id})));
        }
        let answers = bob.answers(300);
        for (id, answer) in answers {
            // The first call was the set.
            assert_eq!(
                matches!(answer, Content::File { .. }),
                id % 2 == 0,
                "{id} {answer:?}"
            );
        }
        server.stop();
    }
}

#[test]
fn connections_of_one_identity_are_apart() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (mut one, mut two) = (server.join("bob"), server.join("bob"));
    assert_ne!(one.id, two.id);
    assert!(matches!(set(&mut one, "a", b"x"), Content::Empty));
    let read = two.call(tool::GET, json_input(&json!({"secret_id": "a"})));
    assert_eq!(file(read).2, b"x");
    server.stop();
}

/// An answer to a ping counts from when it came.
#[test]
fn a_participant_that_answers_every_ping_is_never_idle() {
    let env = TestEnv::new();
    let server = TestServer::start_with(&env, &["--ping-interval", "1", "--idle-timeout", "2"]);
    let mut lively = server.join("lively");
    for _ in 0..4 {
        assert!(lively.answers_a_ping());
    }
    assert!(works(&mut lively));
    server.stop();
}

/// A token is accepted for half a minute longer than it says: this one has a few seconds left.
#[test]
fn a_session_ends_with_its_token() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut token = ParticipantToken::new(
        Identity::new("bob").unwrap(),
        RoomName::new("room").unwrap(),
        ApiScope::participant(),
    );
    token.expires_at = Some(now - 24);
    let token = token.sign(&ApiKey::parse(&server.api_key()).unwrap()).unwrap();
    let mut bob = Participant::join(server.address(), "room", token.expose());
    assert!(works(&mut bob));
    let frame = bob.close_frame().unwrap();
    assert_eq!(
        (frame.code, frame.reason.as_str()),
        (CloseCode::Policy, "the token has expired")
    );
    assert!(works(&mut server.join("bob")));
    server.stop();
}
