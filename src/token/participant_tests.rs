use serde_json::{Value, json};

use super::*;

/// Made with `encodeApiKey` and `ParticipantToken.toJwt` of `@meshagent/meshagent`. For tests only.
const KEY: &str = "ma-..8.f75vS_uc__suWwob_g-AZXWwP_7fu._v30Kf1s8EQ-test-only-secret-with-dashes";
const FROM_THE_SDK: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJuYW1lIjoiYWxpY2UiLCJncmFudHMiOlt7Im5hbWUiOiJhcGkiLCJzY29wZSI6eyJsaXZla2l0Ijp7fSwicXVldWVzIjp7fSwibWVzc2FnaW5nIjp7fSwiZGF0YXNldCI6e30sIm1lbW9yeSI6e30sInN5bmMiOnt9LCJzdG9yYWdlIjp7fSwiY29udGFpbmVycyI6e30sImRldmVsb3BlciI6e30sImFnZW50cyI6e30sImxsbSI6e30sInNlY3JldHMiOnt9LCJzZXJ2aWNlcyI6e319fSx7Im5hbWUiOiJyb29tIiwic2NvcGUiOiJsb2JieSJ9LHsibmFtZSI6InJvbGUiLCJzY29wZSI6ImFnZW50In1dLCJzdWIiOiIwMTk1ZDZjMC1mZmZiLTdlZWYtYmZiZi03ZDBhN2Y1YjNjMTEiLCJraWQiOiJmYmVmM2U3Zi1iZTZmLTRiZmItOWNmZi1mYjJlNWIwYTFiZmUiLCJ2ZXJzaW9uIjoiMC4zNi4zIn0.eaXdz7o1bbwTyP1HyoV27DAKL4jpBAx0w8JR5T9RvLI";
const NOW: u64 = 1_800_000_000;

fn key() -> ApiKey {
    ApiKey::parse(KEY).unwrap()
}

fn room(name: &str) -> RoomName {
    RoomName::new(name).unwrap()
}

/// Verifies a token of Alice's with these claims besides, rightly signed.
fn verify(more: Value) -> Result<ParticipantToken, TokenError> {
    let mut claims = Map::from_iter([("name".to_owned(), json!("alice"))]);
    let Value::Object(more) = more else {
        panic!("no object")
    };
    claims.extend(more);
    let jwt = jwt::sign(&claims, key().signing_key())?;
    ParticipantToken::verify(jwt.expose(), &key(), NOW)
}

#[test]
fn a_token_of_the_sdk_is_read() {
    let token = ParticipantToken::verify_for_room(FROM_THE_SDK, &key(), NOW, &room("lobby")).unwrap();
    assert_eq!(token.identity.as_str(), "alice");
    assert_eq!(token.role, Role::Agent);
    assert_eq!(token.version, "0.36.3");
    assert_eq!(token.expires_at, None);
    let api = token.api.unwrap();
    assert!(api.secrets.is_some() && api.messaging.is_some() && !api.admin);
    assert!(api.agents.is_some());
    assert_eq!(api.others.len(), 10);
}

#[test]
fn what_is_signed_here_reads_back() {
    let key = key();
    let mut token = ParticipantToken::new(
        Identity::new("bob é").unwrap(),
        room("r"),
        ApiScope::administrator(),
    );
    token.role = Role::Tool;
    token.expires_at = Some(NOW + 60);
    let jwt = token.sign(&key).unwrap();
    let read = ParticipantToken::verify(jwt.expose(), &key, NOW).unwrap();
    token.project_id = Some(key.project_id().to_string());
    token.api_key_id = Some(key.id().to_string());
    token.issued_at = read.issued_at;
    token.token_id.clone_from(&read.token_id);
    assert_eq!(read, token);
    assert_eq!(ParticipantToken::unverified_expiry(jwt.expose()), Some(NOW + 60));
}

#[test]
fn each_signed_token_has_an_id_and_a_time_of_its_own() {
    let token = ParticipantToken::new(Identity::new("bob").unwrap(), room("r"), ApiScope::participant())
        .valid_for(Duration::from_mins(10));
    let signed = || {
        let jwt = token.sign(&key()).unwrap();
        ParticipantToken::verify(jwt.expose(), &key(), clock::now()).unwrap()
    };
    let (one, two) = (signed(), signed());
    assert_ne!(one.token_id, two.token_id);
    assert!(Uuid::parse_str(&one.token_id.unwrap()).is_ok());
    let (issued_at, expires_at) = (one.issued_at.unwrap(), one.expires_at.unwrap());
    assert!(issued_at < clock::now() && clock::now() < expires_at);
    assert_eq!(expires_at, token.expires_at.unwrap());
}

#[test]
fn the_expiry_of_what_is_no_token_or_has_none_is_not_known() {
    for jwt in [FROM_THE_SDK, "", "a.b.c", "canary"] {
        assert_eq!(ParticipantToken::unverified_expiry(jwt), None, "{jwt}");
    }
}

#[test]
fn another_keys_token_is_refused() {
    let other = ApiKey::generate(key().project_id()).unwrap();
    let refused = ParticipantToken::verify(FROM_THE_SDK, &other, NOW);
    assert_eq!(refused, Err(TokenError::BadSignature));
}

#[test]
fn a_token_admits_to_its_own_room_only() {
    let verify = |jwt: &str, name| ParticipantToken::verify_for_room(jwt, &key(), NOW, &room(name)).err();
    assert_eq!(verify(FROM_THE_SDK, "lobby"), None);
    assert_eq!(verify(FROM_THE_SDK, "Lobby"), Some(TokenError::WrongRoom));
    let mut roomless = ParticipantToken::new(Identity::new("a").unwrap(), room("r"), ApiScope::participant());
    roomless.room = None;
    assert_eq!(
        verify(roomless.sign(&key()).unwrap().expose(), "lobby"),
        Some(TokenError::WrongRoom)
    );
}

#[test]
fn times_are_checked_with_leeway() {
    let cases = [
        (json!({"exp": NOW + 1}), None),
        (json!({"exp": NOW - 29}), None),
        (json!({"exp": NOW - 30}), Some(TokenError::Expired)),
        (json!({"exp": 1_799_999_975.5}), None),
        (json!({"exp": 1_799_999_969.5}), Some(TokenError::Expired)),
        (json!({"exp": u64::MAX}), None),
        (json!({"exp": 1e300}), None),
        (json!({"exp": -1}), Some(TokenError::Expired)),
        (json!({"exp": 0}), Some(TokenError::Expired)),
        (json!({"exp": "1900000000"}), Some(TokenError::BadClaim("exp"))),
        (json!({"exp": null}), Some(TokenError::BadClaim("exp"))),
        (json!({"exp": true}), Some(TokenError::BadClaim("exp"))),
        (json!({"nbf": NOW + 30, "iat": NOW + 30}), None),
        (json!({"nbf": NOW + 31}), Some(TokenError::NotYetValid)),
        (json!({"iat": NOW + 31}), Some(TokenError::NotYetValid)),
        (json!({"nbf": "soon"}), Some(TokenError::BadClaim("nbf"))),
        (json!({"iat": []}), Some(TokenError::BadClaim("iat"))),
    ];
    for (claims, expected) in cases {
        assert_eq!(verify(claims.clone()).err(), expected, "{claims}");
    }
}

#[test]
fn kid_and_sub_are_the_keys_or_absent() {
    let (kid, sub) = (key().id().to_string(), key().project_id().to_string());
    let other = Uuid::from_u128(1).to_string();
    let cases = [
        (json!({}), None),
        (json!({"kid": null, "sub": null}), None),
        (json!({"kid": kid, "sub": sub}), None),
        (json!({"sub": sub.to_uppercase()}), None),
        (json!({"kid": other}), Some(TokenError::UnknownKey)),
        (json!({"kid": ""}), Some(TokenError::UnknownKey)),
        (json!({"kid": 1}), Some(TokenError::BadClaim("kid"))),
        (json!({"sub": other}), Some(TokenError::WrongProject)),
        (json!({"sub": "p1"}), Some(TokenError::WrongProject)),
    ];
    for (claims, expected) in cases {
        assert_eq!(verify(claims.clone()).err(), expected, "{claims}");
    }
}

#[test]
fn names_and_grants_must_have_their_form() {
    let grant = |name: &str, scope: Value| json!({"grants": [{"name": name, "scope": scope}]});
    let cases = [
        (json!({"name": ""}), TokenError::BadClaim("name")),
        (json!({"name": "a\nb"}), TokenError::BadClaim("name")),
        (json!({"name": null}), TokenError::BadClaim("name")),
        (json!({"version": 1}), TokenError::BadClaim("version")),
        (json!({"grants": {}}), TokenError::BadClaim("grants")),
        (json!({"grants": ["room"]}), TokenError::BadClaim("grants")),
        (
            json!({"grants": [{"scope": "r"}]}),
            TokenError::BadClaim("grants"),
        ),
        (grant("room", json!("a/b")), TokenError::BadGrant("room")),
        (grant("room", json!(null)), TokenError::BadGrant("room")),
        (grant("role", json!("root")), TokenError::BadGrant("role")),
        (grant("api", json!("all")), TokenError::BadGrant("api")),
        (grant("api", json!({"secrets": []})), TokenError::BadGrant("api")),
        (
            grant("api", json!({"secrets": {"request_oauth_tokens": []}})),
            TokenError::BadSecretsGrant,
        ),
        (
            grant("api", json!({"secrets": {"request_oauth_token": {}}})),
            TokenError::BadSecretsGrant,
        ),
        (
            json!({"grants": [{"name": "x"}, {"name": "x"}]}),
            TokenError::DuplicateGrant,
        ),
    ];
    for (claims, expected) in cases {
        assert_eq!(verify(claims.clone()).err(), Some(expected), "{claims}");
    }
    assert!(verify(json!({"grants": [{"name": "tunnel_ports", "scope": "80"}], "aud": 1})).is_ok());
}

#[test]
fn without_grants_nothing_is_open() {
    let token = verify(json!({})).unwrap();
    assert_eq!((token.api, token.room, token.role), (None, None, Role::User));
    assert_eq!(token.version, TOKEN_VERSION);
}

#[test]
fn nothing_shows_a_signature_or_a_secret() {
    let token = ParticipantToken::verify(FROM_THE_SDK, &key(), NOW).unwrap();
    let signed = token.sign(&key()).unwrap();
    let shown = format!("{token:?} {signed:?} {:?}", key());
    assert!(!shown.contains("test-only") && !shown.contains("eyJ"), "{shown}");
}
