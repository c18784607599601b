//! Bytes recorded from the vendor's TypeScript SDK (`tests/interop/capture-vectors.mjs`): we read what
//! it sends, and send what it reads.

use std::collections::HashMap;

use meshagent::wire::room::{
    self, Connected, RoomReady, RoomStatus, ToolInvocation, read_response, response,
};
use meshagent::wire::secrets::{
    DeleteSecret, ExistsResponse, GetSecret, SecretExists, SecretInfo, SecretList, SetSecret, TOOLKIT, tool,
};
use meshagent::wire::{Assembled, Content, ErrorCode, Message};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Plain, assemble, assembler, push_all};

/// One exchange: what the SDK sent and received, and what its caller got.
#[derive(Deserialize)]
struct Vector {
    kind: String,
    #[serde(default)]
    sent: Vec<String>,
    received: Vec<String>,
    outcome: Value,
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks_exact(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.map(byte).collect()
}

fn packets(hex: &[String]) -> Vec<Vec<u8>> {
    hex.iter().map(|packet| bytes(packet)).collect()
}

fn message(hex: &[String]) -> Message {
    match push_all(&mut assembler(), &packets(hex)).unwrap() {
        Assembled::Message(message) => message,
        other => panic!("no message, but {other:?}"),
    }
}

impl Vector {
    /// The SDK's call, read as a server reads it.
    fn input(&self) -> Content {
        let message = message(&self.sent);
        assert_eq!(message.kind, room::INVOKE_TOOL);
        let call = ToolInvocation::from_message(message).unwrap();
        assert_eq!(
            (call.toolkit.as_str(), call.tool.as_str()),
            (TOOLKIT, self.kind.as_str())
        );
        call.input
    }

    fn json<T: DeserializeOwned>(&self) -> T {
        self.input().into_json().unwrap()
    }

    /// The answer that the SDK accepted, read as a client reads it.
    fn answer(&self) -> Content {
        read_response(message(&self.received)).unwrap()
    }

    /// That `ours` is on the wire what the SDK received: the same packets, but for the order of members.
    fn assert_received(&self, ours: impl FnOnce(u64) -> Message) {
        let theirs = packets(&self.received);
        let expected = assemble(&mut assembler(), &theirs);
        let ours: Vec<_> = ours(expected.id).packets().collect();
        let lengths = |packets: &[Vec<u8>]| packets.iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(lengths(&ours), lengths(&theirs), "{}", self.kind);
        assert_eq!(ours[0], theirs[0], "{}", self.kind);
        assert_eq!(assemble(&mut assembler(), &ours), expected, "{}", self.kind);
    }
}

/// All vectors, by kind, in the order of the file.
fn vectors() -> HashMap<String, Vec<Vector>> {
    let all: Vec<Vector> = serde_json::from_str(include_str!("../vectors/sdk-0.39.9.json")).unwrap();
    let mut by_kind: HashMap<_, Vec<_>> = HashMap::new();
    for vector in all {
        by_kind.entry(vector.kind.clone()).or_default().push(vector);
    }
    by_kind
}

/// The vectors of one kind: `N` of them.
fn vectors_of<const N: usize>(kind: &str) -> [Vector; N] {
    let vectors = vectors().remove(kind).unwrap();
    vectors
        .try_into()
        .unwrap_or_else(|_| panic!("not {N} vectors of {kind}"))
}

fn value(length: usize) -> Vec<u8> {
    (0..=u8::MAX).cycle().take(length).collect()
}

#[expect(clippy::unnecessary_wraps, reason = "what it is compared with is optional")]
fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn set_secret_is_read() {
    let [a, b, c, d, bare] = vectors_of(tool::SET);
    for (vector, length) in [(a, 0), (b, 5), (c, 1024), (d, 3000)] {
        let (headers, data) = vector.input().into_binary::<SetSecret>().unwrap();
        assert_eq!(data.into_exposed(), value(length));
        assert_eq!(headers.secret_id, some("db"));
        assert_eq!(headers.secret_type, some("text/plain"));
        assert_eq!(headers.name, some("Database"));
        assert_eq!(headers.delegated_to, some("bob"));
        assert_eq!(headers.for_identity, some("eve"));
        assert_eq!(headers.has_data, Some(true));
    }
    let (headers, data) = bare.input().into_binary::<SetSecret>().unwrap();
    assert_eq!(data.into_exposed(), value(1));
    assert_eq!(
        (headers.secret_id, headers.secret_type, headers.name),
        (None, None, None)
    );
    assert_eq!((headers.delegated_to, headers.for_identity), (None, None));
}

#[test]
fn get_secret_is_read_and_answered() {
    let [a, b, c, d, missing] = vectors_of(tool::GET);
    for (vector, length) in [(a, 0), (b, 5), (c, 1024), (d, 3000)] {
        let get: GetSecret = vector.json();
        assert_eq!((get.secret_id, get.secret_type), (some("db"), some("text/plain")));
        assert_eq!((get.name, get.delegated_to), (some("Database"), some("bob")));
        let file = Content::File {
            name: "db".to_owned(),
            mime_type: "text/plain".to_owned(),
            owner: None,
            data: value(length).into(),
        };
        vector.assert_received(|id| response(id, file).unwrap());
        let Content::File {
            name,
            mime_type,
            data,
            ..
        } = vector.answer()
        else {
            panic!("no file");
        };
        assert_eq!((name.as_str(), mime_type.as_str()), ("db", "text/plain"));
        assert_eq!(data.expose(), &bytes(vector.outcome["data"].as_str().unwrap()));
        assert_eq!(data.into_exposed(), value(length));
    }
    assert_eq!(missing.json::<GetSecret>().secret_id, some("ünïcode 🔑"));
    assert!(matches!(missing.answer(), Content::Empty) && missing.outcome.is_null());
    missing.assert_received(|id| response(id, Content::Empty).unwrap());
}

#[test]
fn exists_is_read_and_answered() {
    let [delegated, own] = vectors_of(tool::EXISTS);
    for (vector, delegated_to, for_identity, exists) in [
        (delegated, some("bob"), some("eve"), true),
        (own, None, None, false),
    ] {
        let input: SecretExists = vector.json();
        assert_eq!(input.secret_id, "db");
        assert_eq!(
            (input.delegated_to, input.for_identity),
            (delegated_to, for_identity)
        );
        assert_eq!(vector.outcome, json!(exists));
        let answer = ExistsResponse { exists, owner: None };
        assert_eq!(vector.answer().into_json(), Ok(answer.clone()));
        vector.assert_received(|id| response(id, Content::json(&answer).unwrap()).unwrap());
    }
}

#[test]
fn list_secrets_is_answered() {
    let [vector] = vectors_of(tool::LIST);
    assert_eq!(vector.json::<Value>(), json!({}));
    let info = |id: &str, secret_type: &str, name: &str, delegated_to| SecretInfo {
        id: id.to_owned(),
        secret_type: secret_type.to_owned(),
        name: name.to_owned(),
        delegated_to,
        owner: None,
        updated_at: None,
        version: None,
    };
    let secrets = vec![
        info("db", "text/plain", "Database", None),
        info("key", "git", "key", some("bob")),
    ];
    let list = SecretList { secrets, next: None };
    vector.assert_received(|id| response(id, Content::json(&list).unwrap()).unwrap());
    assert_eq!(vector.answer().into_json(), Ok(list));
}

#[test]
fn delete_secret_is_read_and_answered() {
    let [delegated, gone] = vectors_of(tool::DELETE);
    let input: DeleteSecret = delegated.json();
    assert_eq!((input.id.as_str(), input.delegated_to), ("db", some("bob")));
    let input: DeleteSecret = gone.json();
    assert_eq!((input.id.as_str(), input.delegated_to), ("gone", None));
    assert_eq!(
        gone.outcome,
        json!({"error": "there is no such secret", "code": 1003})
    );
    let error = Content::error(ErrorCode::NotFound, "there is no such secret");
    gone.assert_received(|id| response(id, error).unwrap());
}

#[test]
fn joining_is_what_the_sdk_understands() {
    let ([status], [ready], [connected]) = (
        vectors_of(room::ROOM_STATUS),
        vectors_of(room::ROOM_READY),
        vectors_of(room::CONNECTED),
    );
    let header = RoomStatus {
        status: some("starting"),
        message: some("Starting"),
    };
    status.assert_received(|id| Message::new(id, room::ROOM_STATUS, &header, Vec::new().into()).unwrap());
    let header = RoomReady {
        room_name: "r".to_owned(),
        room_url: some("wss://rooms.example/rooms/r"),
        session_id: some("s"),
    };
    assert_eq!(ready.outcome, serde_json::to_value(&header).unwrap());
    ready.assert_received(|id| Message::new(id, room::ROOM_READY, &header, Vec::new().into()).unwrap());
    let header = Connected {
        event: "init".to_owned(),
        participant_id: "p1".to_owned(),
        attributes: [("name".to_owned(), json!("alice"))].into_iter().collect(),
    };
    assert_eq!(
        connected.outcome,
        json!({"id": header.participant_id, "name": header.name()})
    );
    connected.assert_received(|id| Message::new(id, room::CONNECTED, &header, Vec::new().into()).unwrap());
}

#[test]
fn every_other_call_is_read() {
    let oauth = json!({
        "client_id": "client", "client_secret": "hush", "no_pkce": false, "scopes": ["read", "write"],
        "authorization_endpoint": "https://idp.example/authorize", "token_endpoint": "https://idp.example/token",
    });
    let [request] = vectors_of("request_secret");
    let expected = json!({
        "url": "https://git.example", "type": "git", "participant_id": "p2", "timeout": 60, "delegate_to": "bob",
    });
    assert_eq!(request.json::<Value>(), expected);
    let [delete] = vectors_of("delete_requested_secret");
    let expected = json!({"url": "https://git.example", "type": "git", "delegated_to": "bob"});
    assert_eq!(delete.json::<Value>(), expected);
    let [token] = vectors_of("request_oauth_token");
    let expected = json!({
        "connector": null, "oauth": oauth, "redirect_uri": "http://127.0.0.1/callback", "participant_id": "p2",
        "timeout": 300, "delegate_to": "bob",
    });
    assert_eq!(token.json::<Value>(), expected);
    let [offline] = vectors_of("get_offline_oauth_token");
    let expected = json!({"connector": null, "oauth": oauth, "delegated_to": "bob", "delegated_by": "eve"});
    assert_eq!(offline.json::<Value>(), expected);
    let [provided, rejected] = vectors_of("provide_oauth_authorization");
    let expected = json!({"request_id": "r2", "code": "c0de", "error": null});
    assert_eq!(provided.json::<Value>(), expected);
    let expected = json!({"request_id": "r2", "code": null, "error": "no"});
    assert_eq!(rejected.json::<Value>(), expected);
    let [provided, rejected] = vectors_of("provide_secret");
    for (vector, error, length) in [(provided, Value::Null, 5), (rejected, json!("no"), 0)] {
        let (headers, data) = vector.input().into_binary::<Value>().unwrap();
        assert_eq!(headers, json!({"request_id": "r1", "error": error}));
        assert_eq!(data.into_exposed(), value(length));
    }
}

#[test]
fn every_packet_is_the_one_we_would_have_made() {
    let vectors = vectors();
    assert_eq!(vectors.values().map(Vec::len).sum::<usize>(), 28);
    for vector in vectors.values().flatten() {
        for hex in [&vector.sent, &vector.received]
            .into_iter()
            .filter(|hex| !hex.is_empty())
        {
            let plain: Plain = assemble(&mut assembler(), &packets(hex));
            let lengths = plain
                .to_packets()
                .iter()
                .map(|packet| 2 * packet.len())
                .collect::<Vec<_>>();
            assert_eq!(
                lengths,
                hex.iter().map(String::len).collect::<Vec<_>>(),
                "{}",
                vector.kind
            );
        }
    }
}
