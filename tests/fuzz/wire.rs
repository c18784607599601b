//! Packets, messages, contents and the structures in them.

use serde_json::json;

use super::messaging::{ParticipantInfo, RoomMessage};
use super::room::{Connected, RoomConnection, RoomReady, RoomStatus, ToolInvocation, read_response};
use super::secrets::oauth::{
    AccessToken, GetOfflineOAuthToken, OfflineAccessToken, ProvideOAuthAuthorization, RequestOAuthToken,
};
use super::secrets::request::{
    DeleteRequestedSecret, OAuthTokenRequest, ProvideSecret, RequestSecret, SecretRequest,
};
use super::secrets::{DeleteSecret, GetSecret, SecretExists, SecretList, SetSecret};
use super::{
    Assembled, Assembler, Content, Header, HttpEndpoint, Identity, MAX_NAME_BYTES, Message, Packet, RoomName,
    SecretId, room_url, websocket_url,
};
use crate::fuzz::{CANARY, check, check_text, debug_hides, hides, json};
use crate::sensitive::SecretValue;

/// Limits of the assembler, in bytes: small, so that edits get past them.
const LIMIT: usize = 2048;
const HEADER_LIMIT: usize = 256;

fn message(id: u64, kind: &str, header: &serde_json::Value, payload: &[u8]) -> Message {
    Message::new(id, kind, header, payload.to_vec().into()).unwrap()
}

fn invocation() -> Message {
    let header = json!({"toolkit": "secrets", "tool": "set_secret", "participant_id": null,
        "arguments": {"type": "binary", "headers": {"secret_id": "a", "type": "t", "has_data": true}}});
    message(7, "room.invoke_tool", &header, CANARY.as_bytes())
}

fn response() -> Message {
    let header = json!({"type": "file", "name": "a", "mime_type": "t", "__meshagent__": {"trace": 1}});
    message(8, "__response__", &header, &CANARY.repeat(400).into_bytes())
}

/// Packets one after the other, each after its length in two bytes.
fn stream(messages: &[Message]) -> Vec<u8> {
    let packets = messages.iter().flat_map(Message::packets);
    packets
        .flat_map(|packet| {
            [
                u16::try_from(packet.len()).unwrap().to_be_bytes().to_vec(),
                packet,
            ]
            .concat()
        })
        .collect()
}

fn next_packet<'a>(stream: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = stream.split_first_chunk()?;
    let length = usize::from(u16::from_be_bytes(*length)).min(rest.len());
    let (packet, rest) = rest.split_at(length);
    *stream = rest;
    Some(packet)
}

fn assemble(message: &Message) -> Message {
    let mut assembler = Assembler::new(usize::MAX).with_header_limit(usize::MAX);
    for packet in message.packets() {
        if let Assembled::Message(message) = assembler.push(&packet).unwrap() {
            return message;
        }
    }
    panic!("the packets are no message");
}

fn parts(message: Message) -> Option<(Header, SecretValue)> {
    message.read().ok()
}

#[test]
fn packet() {
    let packets: Vec<Vec<u8>> = invocation().packets().collect();
    check!(packets, |input| {
        let Ok(packet) = Packet::decode(input) else { return };
        if matches!(packet, Packet::Data { .. }) {
            debug_hides(&packet);
        }
        assert_eq!(packet.encode(), input);
    });
}

#[test]
fn assembler() {
    let seeds = [
        stream(&[invocation()]),
        stream(&[response()]),
        stream(&[invocation(), response(), invocation()]),
        stream(&[message(1, "", &json!({}), &[b'x'; LIMIT])]),
    ];
    check!(seeds, |mut input| {
        let mut assembler = Assembler::new(LIMIT).with_header_limit(HEADER_LIMIT);
        while let Some(packet) = next_packet(&mut input) {
            // A type is shown, and an edit may put the secret into it.
            if matches!(Packet::decode(packet), Ok(Packet::First { kind, .. }) if kind.contains(CANARY)) {
                return;
            }
            match assembler.push(packet) {
                Ok(Assembled::Message(message)) => {
                    assert!(message.data_len() <= LIMIT);
                    debug_hides(&message);
                    let again = assemble(&message);
                    assert_eq!((again.id, &again.kind), (message.id, &message.kind));
                    let (one, other) = (parts(message), parts(again));
                    let exposed = |parts: &Option<(Header, SecretValue)>| {
                        let (header, payload) = parts.as_ref()?;
                        assert!(serde_json::to_vec(header).unwrap().len() <= 8 * HEADER_LIMIT);
                        Some((header.clone(), payload.expose().clone()))
                    };
                    assert_eq!(exposed(&one), exposed(&other));
                }
                Ok(Assembled::Pending | Assembled::Unreadable { .. }) => debug_hides(&assembler),
                Err(_) => return,
            }
        }
    });
}

/// A header and a payload with a newline between them, as a message.
fn split(input: &[u8]) -> Option<(Header, SecretValue)> {
    let mut lines = input.splitn(2, |byte| *byte == b'\n');
    let header = serde_json::from_slice(lines.next()?).ok()?;
    Some((header, lines.next()?.to_vec().into()))
}

#[test]
fn content() {
    let seeds = [
        r#"{"type": "json", "json": {"a": [1, null, {}]}}"#,
        r#"{"type": "text", "text": "t"}"#,
        "{\"type\": \"file\", \"name\": \"a\", \"mime_type\": \"t\"}\ncanary",
        "{\"type\": \"binary\", \"headers\": {\"secret_id\": \"a\"}}\ncanary",
        "{\"type\": \"binary\", \"headers\": null}\ncanary",
        r#"{"type": "link", "name": "n", "url": "https://h"}"#,
        r#"{"type": "empty"}"#,
        r#"{"type": "error", "text": "t", "code": 1001}"#,
        r#"{"type": "error", "text": "t", "code": 1001, "rejected": true}"#,
        r#"{"type": "control", "method": "open"}"#,
        r#"{"type": "raw", "outputs": [{}, 1]}"#,
    ]
    .map(|seed| {
        if seed.contains('\n') {
            seed.to_owned()
        } else {
            format!("{seed}\n")
        }
    });
    check!(seeds, |input| {
        let Some((header, payload)) = split(input) else {
            return;
        };
        let Ok(content) = Content::from_parts(header, payload) else {
            return;
        };
        debug_hides(&content);
        let (header, payload) = content.into_parts();
        let again = Content::from_parts(header.clone(), payload.clone()).unwrap();
        let (header_again, payload_again) = again.into_parts();
        assert_eq!(header_again, header);
        assert_eq!(payload_again.expose(), payload.expose());
    });
}

#[test]
fn calls_and_responses() {
    let data = |message: &Message| {
        let (header, payload): (Header, SecretValue) = message.clone().read().unwrap();
        [
            &serde_json::to_vec(&header).unwrap(),
            b"\n".as_slice(),
            payload.expose(),
        ]
        .concat()
    };
    check!([data(&invocation()), data(&response())], |input| {
        let Some((header, payload)) = split(input) else {
            return;
        };
        let message = Message::new(1, "k", &header, payload).unwrap();
        if let Ok(call) = ToolInvocation::from_message(message.clone()) {
            debug_hides(&call.input);
            let (toolkit, tool) = (call.toolkit.clone(), call.tool.clone());
            let again = ToolInvocation::from_message(call.into_message(2).unwrap()).unwrap();
            assert_eq!((again.toolkit, again.tool), (toolkit, tool));
        }
        if let Ok(content) = read_response(message) {
            debug_hides(&content);
        }
    });
}

#[test]
fn room_structures() {
    let seeds = [
        r#"{"jwt": "canary", "room_name": "r", "project_id": "p", "room_url": "wss://h/rooms/r"}"#,
        r#"{"room_name": "r", "room_url": null, "session_id": "s"}"#,
        r#"{"type": "init", "participantId": "p", "attributes": {"name": "ada"}}"#,
        r#"{"status": "starting", "message": "soon"}"#,
        r#"{"from_participant_id": "p", "type": "participant.enabled", "message": {"id": "q"}}"#,
        r#"{"id": "p", "role": "user", "attributes": {"name": "ada"}}"#,
    ];
    check!(seeds, |input| {
        if let Some(connection) = json::<RoomConnection>(input)
            && !connection.room_name.contains(CANARY)
            && !connection.project_id.contains(CANARY)
            && !connection
                .room_url
                .as_ref()
                .is_some_and(|url| url.contains(CANARY))
        {
            debug_hides(&connection);
        }
        json::<RoomReady>(input);
        json::<Connected>(input);
        json::<RoomStatus>(input);
        json::<RoomMessage>(input);
        json::<ParticipantInfo>(input);
    });
}

#[test]
fn secrets_structures() {
    let seeds = [
        r#"{"secret_id": "a", "type": "t", "name": "n", "delegated_to": null, "for_identity": "b", "has_data": false}"#,
        r#"{"secrets": [{"id": "a", "type": "t", "name": "n", "delegated_to": "b"}]}"#,
        r#"{"id": "a", "delegated_to": "b"}"#,
        r#"{"url": "https://h", "type": "t", "participant_id": "p", "timeout": 300, "delegate_to": "b"}"#,
        r#"{"request_id": "r", "error": null}"#,
        r#"{"request_id": "r", "request": {"url": "u"}, "requester": {"id": "p", "name": "ada"}}"#,
        r#"{"request_id": "r", "request": {"oauth": {"client_id": "c"}, "timeout": 1}, "challenge": "x"}"#,
    ];
    check!(seeds, |input| {
        json::<SetSecret>(input);
        json::<GetSecret>(input);
        json::<SecretExists>(input);
        json::<DeleteSecret>(input);
        json::<SecretList>(input);
        json::<RequestSecret>(input);
        json::<ProvideSecret>(input);
        json::<DeleteRequestedSecret>(input);
        json::<SecretRequest>(input);
        json::<OAuthTokenRequest>(input);
    });
}

#[test]
fn oauth_structures() {
    let seeds = [
        r#"{"oauth": {"client_id": "c", "client_secret": "canary", "authorization_endpoint": "https://p/a",
            "token_endpoint": "https://p/t", "no_pkce": null, "scopes": ["s"]}, "participant_id": "p"}"#,
        r#"{"access_token": "canary"}"#,
        r#"{"request_id": "r", "code": "canary", "error": null, "redirect_uri": "http://127.0.0.1:1/"}"#,
        r#"{"connector": {"a": 1}, "delegated_to": "b", "delegated_by": "c"}"#,
    ];
    check!(seeds, |input| {
        if let Some(answer) = json::<AccessToken>(input) {
            debug_hides(&answer);
        }
        if let Some(answer) = json::<OfflineAccessToken>(input) {
            debug_hides(&answer);
        }
        json::<RequestOAuthToken>(input);
        json::<ProvideOAuthAuthorization>(input);
        json::<GetOfflineOAuthToken>(input);
    });
}

#[test]
fn names() {
    let seeds = ["ada", "db/password", ".", "a\\b", "é".repeat(127).as_str()].map(str::to_owned);
    check_text!(seeds, |text| {
        let is_name = !text.is_empty() && text.len() <= MAX_NAME_BYTES && !text.contains(char::is_control);
        let is_path = matches!(text, "." | "..") || text.contains(['/', '\\']);
        assert_eq!(Identity::new(text).is_ok(), is_name);
        assert_eq!(RoomName::new(text).is_ok(), is_name && !is_path);
        if let Ok(id) = SecretId::new(text) {
            assert_eq!(id.as_str(), text);
            assert_eq!(json::<SecretId>(&serde_json::to_vec(&id).unwrap()), Some(id));
        }
    });
}

#[test]
fn addresses() {
    let seeds = [
        "https://provider.example:443/authorize?a=b",
        "http://[::1]:8080/",
        "wss://ada:canary@h/#canary",
        "HTTP://LocalHost/a%20b",
    ];
    check_text!(seeds, |text| {
        match HttpEndpoint::parse(text) {
            Ok(endpoint) => {
                assert_eq!(endpoint.as_str(), text);
                assert!(!endpoint.host().is_empty() && !endpoint.host().contains('@'));
                assert_eq!(HttpEndpoint::check(endpoint.url()), Ok(()));
            }
            Err(error) => hides(&error),
        }
        match websocket_url(text) {
            Ok(base) => {
                let url = room_url(&base, &RoomName::new("a b").unwrap());
                assert!(
                    matches!(url.scheme(), "ws" | "wss") && url.path().ends_with("/rooms/a%20b"),
                    "{url}"
                );
                assert_eq!(url.origin(), base.origin());
            }
            Err(error) => hides(&error),
        }
    });
}
