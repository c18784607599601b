//! Who is here, as participants see it.

use meshagent::wire::messaging::{TOOLKIT, tool};
use meshagent::wire::{Content, ErrorCode};
use serde_json::{Value, json};

use crate::support::{Participant, TestEnv, TestServer, is_error};

fn enable(participant: &mut Participant) -> Value {
    let enabled = participant.call_of(TOOLKIT, tool::ENABLE, Content::json(&json!({})).unwrap());
    assert!(matches!(enabled, Content::Empty), "{enabled:?}");
    let message = participant.pushed("messaging.send");
    assert_eq!(message["type"], "messaging.enabled");
    message["message"]["participants"].clone()
}

#[test]
fn participants_see_each_other_come_change_and_go() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (mut ada, mut bob) = (server.join("ada"), server.join("bob"));
    let mut elsewhere = server.join_room("carol", "other");
    assert_eq!(enable(&mut ada), json!([]));
    assert_eq!(enable(&mut elsewhere), json!([]));
    bob.tell("set_attributes", &json!({"name": "ada", "mood": "good"}));
    let seen = json!({"id": ada.id, "role": "user", "attributes": {"name": "ada"}});
    assert_eq!(enable(&mut bob), json!([seen]));
    let bob_id = bob.id.clone();
    let mut about_bob = |kind: &str, message: Value| {
        let expected = json!({"from_participant_id": bob_id, "type": kind, "message": message});
        assert_eq!(ada.pushed("messaging.send"), expected);
    };
    // The name is the token's, whatever the participant says.
    let attributes = json!({"name": "bob", "mood": "good"});
    let bob_info = json!({"id": bob.id, "role": "user", "attributes": attributes});
    about_bob("participant.enabled", bob_info.clone());
    bob.tell("set_attributes", &json!({"mood": "better"}));
    let attributes = json!({"name": "bob", "mood": "better"});
    about_bob("participant.attributes", json!({"attributes": attributes}));
    bob.call_of(TOOLKIT, tool::DISABLE, Content::Empty);
    about_bob("participant.disabled", json!({"id": bob.id}));
    enable(&mut bob);
    about_bob(
        "participant.enabled",
        json!({"id": bob.id, "role": "user", "attributes": attributes}),
    );
    let id = bob.id.clone();
    drop(bob);
    let gone = json!({"from_participant_id": id, "type": "participant.disabled", "message": {"id": id}});
    assert_eq!(ada.pushed("messaging.send"), gone);
    server.stop();
}

#[test]
fn each_toolkit_needs_its_grant() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let join_with = |api: &str| {
        let spec =
            format!("version: v1\nkind: ParticipantToken\nidentity: bob\nroom: room\napi:\n  {api}: {{}}\n");
        env.write("spec.yaml", spec);
        let token = server.token_with(&["--input", "spec.yaml"], &[]);
        Participant::join(server.address(), "room", &token)
    };
    let (mut asks, mut sees) = (join_with("secrets"), join_with("messaging"));
    for name in [tool::ENABLE, tool::DISABLE] {
        is_error(
            &asks.call_of(TOOLKIT, name, Content::Empty),
            ErrorCode::PermissionDenied,
        );
    }
    assert_eq!(enable(&mut sees), json!([]));
    is_error(
        &sees.call_of(TOOLKIT, "nonsense", Content::Empty),
        ErrorCode::NotFound,
    );
    let request = json!({"url": "u", "participant_id": asks.id});
    for (name, input) in [
        ("request_secret", Content::json(&request).unwrap()),
        ("delete_requested_secret", Content::json(&request).unwrap()),
        (
            "provide_secret",
            Content::binary(&json!({"request_id": "1"}), Vec::new().into()).unwrap(),
        ),
    ] {
        is_error(&sees.call(name, input), ErrorCode::PermissionDenied);
    }
    assert!(asks.unheard().is_empty());
    server.stop();
}

/// What is out of date before a participant took it is not kept for it.
#[test]
fn nobody_is_thrown_out_by_what_others_say_of_themselves() {
    let env = TestEnv::new();
    let server = TestServer::start_with(&env, &["--max-pending-requests", "1"]);
    let (mut ada, mut slow) = (server.join("ada"), server.join("slow"));
    enable(&mut slow);
    enable(&mut ada);
    // More than the sockets hold, while nothing is read.
    let long = "x".repeat(3900);
    for number in 0..6000 {
        ada.tell("set_attributes", &json!({"long": long, "number": number}));
    }
    // How things are in the end is heard, whatever of the rest is.
    while slow.pushed("messaging.send")["message"]["attributes"]["number"] != 5999 {}
    assert_eq!(enable(&mut slow)[0]["attributes"]["number"], 5999);
    server.stop();
}

/// Clients before March 2026 sent a message type of its own.
#[test]
fn older_clients_see_who_is_here() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (mut ada, mut bob) = (server.join("ada"), server.join("bob"));
    assert_eq!(enable(&mut bob), json!([]));
    assert!(matches!(
        ada.send("messaging.enable", &json!({}), b""),
        Content::Empty
    ));
    let listed = ada.pushed("messaging.send");
    assert_eq!(listed["message"]["participants"][0]["id"], bob.id);
    assert!(matches!(
        ada.send("messaging.disable", &json!({}), b""),
        Content::Empty
    ));
    server.stop();
}
