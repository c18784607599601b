//! Toolkits that participants host, and messages that they send each other.

use meshagent::wire::{Content, ErrorCode};
use serde_json::{Value, json};

use crate::support::{Participant, TestEnv, TestServer, file, is_error};

fn empty() -> Content {
    Content::json(&json!({})).unwrap()
}

fn register(host: &mut Participant, name: &str, public: bool) -> String {
    let tools = json!({"greet": {"title": "Greet", "input_spec": null}});
    let toolkit = json!({"name": name, "title": "T", "description": "D", "tools": tools, "public": public});
    let registered = host.send("room.register_toolkit", &toolkit, b"");
    let registered: Value = registered.into_json().unwrap();
    registered["id"].as_str().unwrap().to_owned()
}

fn listed(participant: &mut Participant) -> Value {
    let listed: Value = participant
        .send("room.list_toolkits", &json!({}), b"")
        .into_json()
        .unwrap();
    listed["tools"].clone()
}

/// The answer to the only call that has none yet.
fn answer(caller: &mut Participant) -> Content {
    caller.answers(1).into_values().next().unwrap()
}

#[test]
fn a_toolkit_is_listed_called_and_gone_with_its_host() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (mut host, mut ada) = (server.join("host"), server.join("ada"));
    assert_eq!(listed(&mut ada), json!({}));
    register(&mut host, "greeter", true);
    let secret = register(&mut host, "hidden", false);
    let seen = listed(&mut ada);
    assert_eq!(seen["greeter"]["participant_id"], host.id);
    assert_eq!(seen["greeter"]["tools"]["greet"]["title"], "Greet");
    // A private one is listed for its host alone, and can be called by its name.
    assert_eq!(seen["hidden"], Value::Null);
    assert_eq!(listed(&mut host)["hidden"]["title"], "T");

    for toolkit in ["greeter", "hidden"] {
        let input = Content::binary(&json!({"to": "eve"}), b"\0bytes".to_vec().into()).unwrap();
        ada.ask_of(toolkit, "greet", input);
        let (id, call, payload) = host.pushed_whole(&format!("room.tool_call.{toolkit}"));
        assert_eq!(
            (call["name"].as_str(), call["caller_id"].as_str()),
            (Some("greet"), Some(&*ada.id))
        );
        assert_eq!(
            call["arguments"],
            json!({"type": "binary", "headers": {"to": "eve"}})
        );
        assert_eq!(payload, b"\0bytes");
        let content = Content::File {
            name: "n".to_owned(),
            mime_type: "t".to_owned(),
            owner: None,
            data: b"hello".to_vec().into(),
        };
        host.answer_call(id, content);
        assert_eq!(
            file(answer(&mut ada)),
            ("n".into(), "t".into(), b"hello".to_vec())
        );
        // A second answer goes nowhere.
        host.answer_call(id, Content::Text("again".to_owned()));
    }

    let unregister = json!({"id": secret});
    is_error(
        &ada.send("room.unregister_toolkit", &unregister, b""),
        ErrorCode::NotFound,
    );
    assert!(matches!(
        host.send("room.unregister_toolkit", &unregister, b""),
        Content::Empty
    ));
    is_error(&ada.call_of("hidden", "greet", empty()), ErrorCode::NotFound);

    ada.ask_of("greeter", "greet", empty());
    host.pushed("room.tool_call.greeter");
    host.leave();
    is_error(&answer(&mut ada), ErrorCode::OperationFailed);
    assert_eq!(listed(&mut ada), json!({}));
    server.stop();
}

/// Opens a stream as the answer to a call, and gives the id by which the host knows the call.
fn open_stream(host: &mut Participant, caller: &mut Participant) -> Value {
    caller.ask_of("t", "greet", empty());
    let (id, call, _) = host.pushed_whole("room.tool_call.t");
    let open: meshagent::wire::Header =
        serde_json::from_value(json!({"type": "control", "method": "open"})).unwrap();
    host.answer_call(id, Content::from_parts(open, Vec::new().into()).unwrap());
    assert!(matches!(answer(caller), Content::Control(_)));
    call["tool_call_id"].clone()
}

const CHUNK: &str = "room.tool_call_response_chunk";

#[test]
fn a_call_is_answered_with_a_stream() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (mut host, mut ada, mut eve) = (server.join("host"), server.join("ada"), server.join("eve"));
    register(&mut host, "t", true);
    let id = open_stream(&mut host, &mut ada);
    let close = json!({"type": "control", "method": "close"});
    // Of a call that nobody made, and of one whose host another is.
    host.tell(CHUNK, &json!({"tool_call_id": "other", "chunk": close}));
    eve.tell(CHUNK, &json!({"tool_call_id": id, "chunk": close}));
    let chunks = (0..100).map(|number| json!({"type": "text", "text": number.to_string()}));
    let chunks: Vec<Value> = chunks.chain([close.clone()]).collect();
    for chunk in &chunks {
        host.tell(CHUNK, &json!({"tool_call_id": id, "chunk": chunk}));
    }
    // After its end the stream is closed.
    host.tell(
        CHUNK,
        &json!({"tool_call_id": id, "chunk": {"type": "text", "text": "late"}}),
    );
    let mut caller_id = Value::Null;
    for chunk in &chunks {
        let pushed = ada.pushed(CHUNK);
        assert_eq!(pushed["chunk"], *chunk);
        assert_ne!(pushed["tool_call_id"], id);
        caller_id = pushed["tool_call_id"].clone();
    }

    // A host that leaves ends its streams.
    open_stream(&mut host, &mut ada);
    host.leave();
    let error = ada.pushed(CHUNK);
    assert_eq!(
        (&error["chunk"]["type"], &error["chunk"]["code"]),
        (&json!("error"), &json!(1008))
    );
    assert_ne!(error["tool_call_id"], caller_id);
    assert_eq!(ada.pushed(CHUNK)["chunk"], close);
    assert!(ada.unheard().is_empty(), "{:?}", ada.unheard());
    server.stop();
}

#[test]
fn of_several_hosts_a_call_names_one() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (mut one, mut two, mut ada) = (server.join("one"), server.join("two"), server.join("ada"));
    register(&mut one, "t", true);
    let again = json!({"name": "t", "public": true});
    is_error(
        &one.send("room.register_toolkit", &again, b""),
        ErrorCode::AlreadyExists,
    );
    register(&mut two, "t", true);
    is_error(&ada.call_of("t", "greet", empty()), ErrorCode::Conflict);
    let header = json!({
        "toolkit": "t", "tool": "greet", "participant_id": two.id, "tool_call_id": "mine",
        "arguments": {"type": "json", "json": {}}, "caller_context": {"c": 1},
    });
    ada.tell("room.invoke_tool", &header);
    let (id, call, _) = two.pushed_whole("room.tool_call.t");
    assert_eq!(call["caller_context"], json!({"c": 1}));
    two.answer_call(id, Content::Text("two".to_owned()));
    assert!(matches!(answer(&mut ada), Content::Text(text) if text == "two"));
    server.stop();
}

#[test]
fn what_a_participant_may_host_is_limited() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let mut host = server.join("host");
    for (toolkit, code) in [
        (json!({"name": "secrets"}), ErrorCode::AlreadyExists),
        (json!({"name": ""}), ErrorCode::InvalidRequest),
        (json!({"name": "a\nb"}), ErrorCode::InvalidRequest),
        (json!({"name": "a".repeat(129)}), ErrorCode::InvalidRequest),
        (
            json!({"name": "large", "description": "x".repeat(65 << 10)}),
            ErrorCode::InvalidRequest,
        ),
    ] {
        is_error(&host.send("room.register_toolkit", &toolkit, b""), code);
    }
    for number in 0..32 {
        register(&mut host, &format!("t{number}"), false);
    }
    let one_more = json!({"name": "more"});
    is_error(
        &host.send("room.register_toolkit", &one_more, b""),
        ErrorCode::OperationFailed,
    );
    server.stop();
}

/// What the grant does not give is refused, and without the grant nothing tells which toolkits there are.
#[test]
fn toolkits_need_the_agents_grant() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let mut host = server.join("host");
    register(&mut host, "t", true);
    let with = |api: &str| {
        let spec = format!("version: v1\nkind: ParticipantToken\nidentity: bob\nroom: room\napi:\n{api}");
        env.write("spec.yaml", &spec);
        let token = server.token_with(&["-i", "spec.yaml"], &[]);
        Participant::join(server.address(), "room", &token)
    };
    let mut none = with("  secrets: {}\n");
    is_error(
        &none.send("room.list_toolkits", &json!({}), b""),
        ErrorCode::PermissionDenied,
    );
    is_error(&none.call_of("t", "greet", empty()), ErrorCode::NotFound);
    let mut some = with("  agents:\n    register_public_toolkit: false\n    allowed_toolkits: [\"other\"]\n");
    let public = json!({"name": "mine", "public": true});
    is_error(
        &some.send("room.register_toolkit", &public, b""),
        ErrorCode::PermissionDenied,
    );
    register(&mut some, "mine", false);
    is_error(&some.call_of("t", "greet", empty()), ErrorCode::PermissionDenied);
    server.stop();
}

#[test]
fn participants_send_each_other_messages_with_attachments() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (mut ada, mut bob, mut eve) = (server.join("ada"), server.join("bob"), server.join("eve"));
    assert!(matches!(
        bob.call_of("messaging", "enable", empty()),
        Content::Empty
    ));
    bob.pushed("messaging.send");
    let input = json!({
        "to_participant_id": bob.id, "type": "chat", "message_json": "{\"text\": \"hi\"}",
        "attachment_base64": "AGJ5dGVz",
    });
    let sent = |from: &Participant| json!({"from_participant_id": from.id, "type": "chat", "message": {"text": "hi"}});
    assert!(matches!(
        ada.call_of("messaging", "send", Content::json(&input).unwrap()),
        Content::Empty
    ));
    let (_, header, attachment) = bob.pushed_whole("messaging.send");
    assert_eq!((header, attachment), (sent(&ada), b"\0bytes".to_vec()));

    // All that enabled messaging get what is for all.
    let input = json!({"type": "chat", "message_json": "{\"text\": \"hi\"}"});
    assert!(matches!(
        ada.call_of("messaging", "broadcast", Content::json(&input).unwrap()),
        Content::Empty
    ));
    assert_eq!(bob.pushed("messaging.send"), sent(&ada));

    // Clients before March 2026 send it in a form of their own.
    let older = json!({"to_participant_id": bob.id, "type": "chat", "message": {"text": "hi"}});
    assert!(matches!(eve.send("messaging.send", &older, b"x"), Content::Empty));
    let (_, header, attachment) = bob.pushed_whole("messaging.send");
    assert_eq!((header, attachment), (sent(&eve), b"x".to_vec()));

    for (change, code) in [
        (json!({"to_participant_id": "nobody"}), ErrorCode::NotFound),
        // The server's own word about who is here.
        (json!({"type": "participant.disabled"}), ErrorCode::InvalidRequest),
        (json!({"message_json": "[]"}), ErrorCode::InvalidRequest),
        (json!({"attachment_base64": "!"}), ErrorCode::InvalidRequest),
    ] {
        let mut input = json!({"to_participant_id": bob.id, "type": "chat", "message_json": "{}"});
        input
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        is_error(
            &ada.call_of("messaging", "send", Content::json(&input).unwrap()),
            code,
        );
    }
    server.stop();
}

#[test]
fn the_storage_toolkit_has_no_files() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let mut ada = server.join("ada");
    let list: Value = ada
        .call_of(
            "storage",
            "list",
            Content::json(&json!({"path": ".schemas"})).unwrap(),
        )
        .into_json()
        .unwrap();
    assert_eq!(list, json!({"files": []}));
    is_error(&ada.call_of("storage", "download", empty()), ErrorCode::NotFound);
    server.stop();
}
