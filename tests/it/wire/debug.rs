//! What is shown when something is debugged or logged: never a secret.

use std::fmt::Debug;

use meshagent::sensitive::SecretValue;
use meshagent::wire::room::{RoomConnection, ToolInvocation, response};
use meshagent::wire::{Content, ErrorCode, Header, Message, Packet};
use serde_json::{Value, json};

use super::{assembler, data, first, push_all};

const CANARY: &str = "canary-7f3a";

/// Neither the canary's text nor its bytes, as a list of numbers, are shown.
#[track_caller]
fn assert_silent(value: &impl Debug) {
    let bytes = format!("{:?}", CANARY.as_bytes());
    let bytes = bytes.trim_matches(['[', ']']);
    let shown = format!("{value:?}");
    assert!(!shown.contains(CANARY) && !shown.contains(bytes), "{shown}");
    let shown = format!("{value:#?}");
    let lines: String = shown.split_whitespace().collect();
    assert!(
        !shown.contains(CANARY) && !lines.contains(&bytes.replace(' ', "")),
        "{shown}"
    );
}

fn canary() -> SecretValue {
    SecretValue::new(CANARY.as_bytes().to_vec())
}

fn headers() -> Header {
    Header::from_iter([("secret".to_owned(), Value::from(CANARY))])
}

fn contents() -> [Content; 8] {
    let text = || CANARY.to_owned();
    [
        Content::Json(headers()),
        Content::Text(text()),
        Content::File {
            name: text(),
            mime_type: text(),
            owner: Some(text()),
            data: canary(),
        },
        Content::Binary {
            headers: headers(),
            data: canary(),
        },
        Content::Link {
            name: text(),
            url: text(),
        },
        Content::error(ErrorCode::NotFound, text()),
        Content::Control(headers()),
        Content::Raw(vec![text().into()]),
    ]
}

#[test]
fn contents_and_calls_are_silent() {
    for content in contents() {
        assert_silent(&content);
        assert_silent(&response(1, content.clone()).unwrap());
        let call = ToolInvocation::new("secrets", "set_secret", content);
        assert_silent(&call);
        assert_silent(&call.into_message(1).unwrap());
    }
}

#[test]
fn messages_are_silent_when_built_and_when_read() {
    let message = Message::new(1, "k", &headers(), canary()).unwrap();
    assert_silent(&message);
    let packets: Vec<_> = message.packets().collect();
    assert_silent(&push_all(&mut assembler(), &packets).unwrap());
}

#[test]
fn a_half_read_message_is_silent() {
    let mut assembler = assembler();
    let packets = [first(1, 2), data(1, 1, CANARY.as_bytes())];
    push_all(&mut assembler, &packets).unwrap();
    assert_silent(&assembler);
}

#[test]
fn a_packet_is_silent() {
    let bytes = data(1, 1, CANARY.as_bytes());
    assert_silent(&Packet::decode(&bytes).unwrap());
}

#[test]
fn the_way_into_a_room_is_silent() {
    let connection: RoomConnection =
        serde_json::from_value(json!({"jwt": CANARY, "room_name": "r", "project_id": "p"})).unwrap();
    assert_silent(&connection);
}
