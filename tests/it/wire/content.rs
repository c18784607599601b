//! Contents: every kind comes back, and any JSON is a content or an error.

use meshagent::sensitive::SecretValue;
use meshagent::wire::{Content, DecodeError, ErrorCode, Header};
use proptest::prelude::*;
use serde_json::{Value, json};

const KINDS: [&str; 9] = [
    "json", "text", "file", "binary", "link", "empty", "error", "control", "raw",
];
const MEMBERS: [&str; 10] = [
    "json",
    "text",
    "name",
    "mime_type",
    "headers",
    "url",
    "code",
    "method",
    "outputs",
    "other",
];

fn object(value: Value) -> Header {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}

fn parts(content: Content) -> (Value, Vec<u8>) {
    let (header, payload) = content.into_parts();
    (Value::Object(header), payload.into_exposed())
}

/// Headers that are nearly contents: the right names, and often the wrong values.
fn nearly() -> impl Strategy<Value = Header> {
    let kind = prop_oneof![4 => prop::sample::select(&KINDS[..]).prop_map(Value::from), 1 => super::json()];
    let value = prop_oneof![
        any::<String>().prop_map(Value::from),
        Just(json!({})),
        super::json()
    ];
    let members = prop::collection::hash_map(prop::sample::select(&MEMBERS[..]), value, 0..8);
    (kind, members).prop_map(|(kind, members)| {
        let mut header: Header = members
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        header.insert("type".to_owned(), kind);
        header
    })
}

proptest! {
    #[test]
    fn any_json_is_a_content_or_an_error(header in prop_oneof![nearly(), super::header()], payload: Vec<u8>) {
        let kind = header.get("type").cloned();
        match Content::from_parts(header, payload.into()) {
            Ok(content) => {
                prop_assert_eq!(kind, Some(Value::from(content.kind())));
                let (header, payload) = parts(content);
                let again = Content::from_parts(object(header.clone()), payload.clone().into()).unwrap();
                prop_assert_eq!(parts(again), (header, payload));
            }
            Err(DecodeError::UnknownContent) => {
                prop_assert!(!kind.is_some_and(|kind| KINDS.iter().any(|known| kind == **known)));
            }
            Err(error) => prop_assert!(matches!(error, DecodeError::BadMember(_)), "{}", error),
        }
    }
}

#[test]
fn every_kind_comes_back() {
    for header in [
        json!({"type": "json", "json": {"a": [1, null]}}),
        json!({"type": "text", "text": "t"}),
        json!({"type": "file", "name": "n", "mime_type": "m"}),
        json!({"type": "binary", "headers": {"a": 1}}),
        json!({"type": "link", "name": "n", "url": "u"}),
        json!({"type": "empty"}),
        json!({"type": "error", "text": "t"}),
        json!({"type": "error", "text": "t", "code": 1003}),
        json!({"type": "control", "method": "close", "status_code": 1000, "message": "m"}),
        json!({"type": "raw", "outputs": [{}, 1]}),
    ] {
        let content = Content::from_parts(object(header.clone()), SecretValue::default()).unwrap();
        assert_eq!(header["type"], content.kind());
        assert_eq!(parts(content), (header, Vec::new()));
    }
}

#[test]
fn bytes_stay_with_the_kinds_that_have_some() {
    let payload = || SecretValue::new(vec![0, 255]);
    for header in [
        json!({"type": "file", "name": "n", "mime_type": "m"}),
        json!({"type": "binary", "headers": {}}),
    ] {
        let content = Content::from_parts(object(header.clone()), payload()).unwrap();
        assert_eq!(parts(content), (header, vec![0, 255]));
    }
    let content = Content::from_parts(object(json!({"type": "empty"})), payload()).unwrap();
    assert_eq!(parts(content), (json!({"type": "empty"}), Vec::new()));
}

#[test]
fn binary_headers_may_be_absent_or_null() {
    for header in [
        json!({"type": "binary"}),
        json!({"type": "binary", "headers": null}),
    ] {
        let content = Content::from_parts(object(header), SecretValue::default()).unwrap();
        assert_eq!(parts(content).0, json!({"type": "binary", "headers": {}}));
    }
}

#[test]
fn an_error_code_that_is_unknown_is_none() {
    for (code, expected) in [
        (json!(1001), Some(ErrorCode::PermissionDenied)),
        (json!(1), None),
        (json!(null), None),
    ] {
        let header = object(json!({"type": "error", "text": "t", "code": code}));
        let Content::Error { code, .. } = Content::from_parts(header, SecretValue::default()).unwrap() else {
            panic!("no error");
        };
        assert_eq!(code, expected);
    }
}

#[test]
fn error_codes_are_the_protocols() {
    let numbers = (0..2000).filter(|number| {
        let code = ErrorCode::from_number(*number);
        assert!(code.is_none_or(|code| code.number() == *number));
        code.is_some()
    });
    assert_eq!(
        numbers.collect::<Vec<_>>(),
        [1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 1100]
    );
}
