//! API keys, participant tokens and grants.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{ApiKey, ApiScope, MAX_TOKEN_BYTES, ParticipantToken, jwt, strict_json};
use crate::fuzz::{check, check_text, debug_hides, hides, json};

const KEY: &str = "ma-..8.f75vS_uc__suWwob_g-AZXWwP_7fu._v30Kf1s8EQ-canary-with-dashes";

const CLAIMS: &str = r#"{"name": "ada", "grants": [{"name": "room", "scope": "demo"}, {"name": "role", "scope": "agent"},
    {"name": "api", "scope": {"secrets": {"request_oauth_token": [{"endpoint": "https://p/*", "client_id": "c"}]},
    "messaging": {"list": false}, "admin": {}, "llm": {"models": ["m"]}}}], "version": "0.39.9", "exp": 5000000000,
    "nbf": 900, "iat": 1.5}"#;

/// Later than the clock: what is signed here is not of the future then.
const NOW: u64 = 4_000_000_000;

fn key() -> ApiKey {
    ApiKey::parse(KEY).unwrap()
}

#[test]
fn api_key() {
    let generated = ApiKey::generate(Uuid::from_u128(7)).unwrap();
    check_text!([KEY, generated.text().expose()], |text| {
        match ApiKey::parse(text) {
            Ok(key) => {
                assert_eq!(key.text().expose(), text);
                assert!(!key.signing_key().is_empty());
                debug_hides(&key);
            }
            Err(error) => hides(&error),
        }
    });
}

/// No edit of a token is a token, but for the token itself.
#[test]
fn jwt_form() {
    let claims: Map<String, Value> = serde_json::from_str(CLAIMS).unwrap();
    let token = jwt::sign(&claims, key().signing_key()).unwrap();
    check_text!([token.expose()], |text| {
        match jwt::verify(text, key().signing_key()) {
            Ok(claims) => {
                let original: Map<String, Value> = serde_json::from_str(CLAIMS).unwrap();
                assert_eq!(claims, original);
                assert_eq!(jwt::sign(&original, key().signing_key()).unwrap().expose(), text);
            }
            Err(error) => hides(&error),
        }
    });
}

/// Claims of any form, rightly signed.
#[test]
fn participant_token() {
    check!([CLAIMS], |input| {
        let Ok(claims) = serde_json::from_slice(input) else {
            return;
        };
        let Ok(signed) = jwt::sign(&claims, key().signing_key()) else {
            return;
        };
        let unverified = ParticipantToken::unverified(signed.expose());
        if let Err(error) = &unverified {
            hides(error);
        }
        match ParticipantToken::verify(signed.expose(), &key(), NOW) {
            Ok(token) => {
                assert_eq!(unverified.as_ref(), Ok(&token));
                let keys = [key()];
                let (any, by) = ParticipantToken::verify_by_any(signed.expose(), &keys, NOW).unwrap();
                assert_eq!((&any, by.id()), (&token, key().id()));
                let again = token.sign(&key()).unwrap();
                assert!(again.expose().len() <= MAX_TOKEN_BYTES);
                let again = ParticipantToken::verify(again.expose(), &key(), NOW).unwrap();
                assert_eq!(
                    (
                        again.identity,
                        again.room,
                        again.role,
                        again.api,
                        again.expires_at,
                        again.version
                    ),
                    (
                        token.identity,
                        token.room,
                        token.role,
                        token.api,
                        token.expires_at,
                        token.version
                    )
                );
            }
            Err(error) => hides(&error),
        }
    });
}

#[test]
fn strict_json_object() {
    let deep = format!("{{\"a\": {}1{}}}", "[".repeat(100), "]".repeat(100));
    check!([CLAIMS, r#"{"a": 1, "a": 1}"#, &deep], |input| {
        let read = serde_json::from_slice::<Map<String, Value>>(input).ok();
        if let Some(object) = strict_json::object(input) {
            assert_eq!(Some(&object), read.as_ref());
        } else if let Some(read) = read {
            // What is refused says something twice, so that less is left of it.
            let left = serde_json::to_vec(&read).unwrap();
            assert!(left.len() < input.len());
            assert!(strict_json::object(&left).is_some());
        }
    });
}

#[test]
fn grants() {
    let seeds = [
        r#"{"secrets": {"requestOauthToken": [{"endpoint": "e", "clientId": "c"}]}, "messaging": {"send": null}}"#,
        r#"{"secrets": null, "admin": {}, "queues": {"list": true}}"#,
        r#"{"secrets": [], "messaging": [true, true, true]}"#,
    ];
    check!(seeds, |input| {
        let Some(scope) = json::<ApiScope>(input) else {
            return;
        };
        let read: Map<String, Value> = serde_json::from_slice(input).unwrap();
        let is_object = |name| read.get(name).is_some_and(Value::is_object);
        assert_eq!(scope.secrets.is_some(), is_object("secrets"));
        assert_eq!(scope.messaging.is_some(), is_object("messaging"));
        assert_eq!(scope.admin, is_object("admin"));
    });
}
