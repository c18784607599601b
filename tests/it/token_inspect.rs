//! What `token inspect` says of a token.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::support::{Call, TestEnv};
use crate::token_generate::{claims, forge, signing_key};

const BOB: [&str; 6] = ["token", "generate", "--identity", "bob", "--room", "room"];

/// A token of bob that the key of the data directory signed.
fn token<const N: usize>(env: &TestEnv, flags: [&str; N]) -> String {
    let made = env.call(BOB).arg("--local").args(flags).run().succeeds();
    made.out().trim_end().to_owned()
}

fn inspect<const N: usize>(env: &TestEnv, flags: [&str; N]) -> Call {
    env.call(["token", "inspect"]).args(flags)
}

/// What is said of a token that is checked by the data directory.
fn local(env: &TestEnv, token: &str) -> Value {
    inspect(env, ["-", "--local"])
        .stdin(token)
        .run()
        .succeeds()
        .json()
}

#[test]
fn inspect_says_what_a_token_is() {
    let env = TestEnv::new();
    let token = token(&env, ["--role", "agent", "--expires-in", "90m"]);
    let said = local(&env, &format!("{token}\n"));
    let claimed = claims(&token);
    assert_eq!(said["identity"], "bob");
    assert_eq!(said["room"], "room");
    assert_eq!(said["role"], "agent");
    assert_eq!(said["api"], json!({"secrets": {}, "messaging": {}, "agents": {}}));
    assert_eq!(
        (&said["jti"], &said["api_key_id"]),
        (&claimed["jti"], &claimed["kid"])
    );
    assert_eq!(said["project_id"], claimed["sub"]);
    assert!(
        (5300..=5400).contains(&said["expires_in"].as_u64().unwrap()),
        "{said}"
    );
    for time in ["issued_at", "expires_at"] {
        assert!(said[time].as_str().unwrap().ends_with('Z'), "{said}");
    }
    assert_eq!(
        (&said["signed"], &said["revoked"], &said["refused"]),
        (&json!(true), &json!(false), &json!(null))
    );
    // From the variable, for a person, and never the token itself.
    let signature = token.rsplit('.').next().unwrap();
    let table = ["--local", "--output", "table", "-vvv"];
    let shown = inspect(&env, table)
        .env("MESHAGENT_TOKEN", &token)
        .run()
        .succeeds();
    for text in ["bob", "agent", "in 1h", "valid", claimed["jti"].as_str().unwrap()] {
        assert!(shown.out().contains(text), "{text}: {}", shown.out());
    }
    assert!(!shown.out().contains(signature) && !shown.err().contains(signature));
}

#[test]
fn inspect_tells_whether_a_token_is_accepted() {
    let env = TestEnv::new();
    let revoked = token(&env, []);
    let id = claims(&revoked)["jti"].as_str().unwrap().to_owned();
    assert_eq!(local(&env, &revoked)["expires_at"], json!(null));
    env.call(["token", "revoke", &id]).run().succeeds();
    let said = local(&env, &revoked);
    assert_eq!((&said["signed"], &said["revoked"]), (&json!(true), &json!(true)));
    assert!(said["refused"].as_str().unwrap().contains("has been revoked"));

    let made = env.call(["api-key", "create"]).run().succeeds();
    let key = signing_key(made.out());
    let with = |name: &str, value: Value, key: &[u8]| {
        let mut claimed = claims(&revoked);
        claimed[name] = value;
        forge(&json!({"alg": "HS256"}), &claimed, key)
    };
    let said = local(&env, &with("jti", json!("x"), b"another key"));
    assert_eq!((&said["signed"], &said["revoked"]), (&json!(false), &json!(null)));
    let keys = env.call(["api-key", "list"]).run().succeeds().json();
    let mut claimed = claims(&revoked);
    claimed["kid"] = keys[1]["id"].clone();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    (claimed["iat"], claimed["exp"]) = (json!(now - 500), json!(now - 100));
    // Of an expired one too it is known whether it was revoked.
    let expired = forge(&json!({"alg": "HS256"}), &claimed, &key);
    let said = local(&env, &expired);
    assert_eq!((&said["signed"], &said["revoked"]), (&json!(true), &json!(true)));
    assert_eq!(said["expires_in"], 0);
    assert!(said["refused"].as_str().unwrap().contains("expired"), "{said}");
}

#[test]
fn inspect_checks_with_the_api_key_of_the_environment_or_not_at_all() {
    let env = TestEnv::new();
    let made = env.call(["api-key", "create"]).run().succeeds();
    let key = made.out().to_owned();
    let signed = env.call(BOB).env("MESHAGENT_API_KEY", &key).run().succeeds();
    let signed = signed.out().trim_end().to_owned();
    let by_key = |token: &str| {
        let call = inspect(&env, ["-"]).stdin(token).env("MESHAGENT_API_KEY", &key);
        call.run().succeeds().json()
    };
    let said = by_key(&signed);
    assert_eq!((&said["signed"], &said["revoked"]), (&json!(true), &json!(null)));
    assert_eq!(by_key(&token(&env, []))["signed"], json!(false));
    let unchecked = inspect(&env, ["-"]).stdin(&signed).run().succeeds();
    assert_eq!(unchecked.json()["signed"], json!(null));
    assert!(
        unchecked.err().contains("the signature is not checked"),
        "{}",
        unchecked.err()
    );
    // In the arguments too.
    inspect(&env, [&signed]).run().succeeds();
}

#[test]
fn what_is_no_token_is_refused_and_not_repeated() {
    let env = TestEnv::new();
    for text in ["canary", "a.canary.c", "e30.e30.canary", "canary\u{0}"] {
        let ran = inspect(&env, ["-"]).stdin(text).run().refuses(2);
        assert!(!ran.err().contains("canary"), "{}", ran.err());
    }
    inspect(&env, ["-"]).stdin("").run().refuses(2);
    inspect(&env, []).run().refuses(2).says("MESHAGENT_TOKEN");
    assert!(!env.data_dir().exists());
}

#[test]
fn generate_says_that_a_token_never_expires() {
    let env = TestEnv::new();
    let made = env.call(BOB).arg("--local").run().succeeds();
    made.says("this token never expires");
    let made = env
        .call(BOB)
        .args(["--local", "--expires-in", "1h"])
        .run()
        .succeeds();
    made.says_nothing();
    env.call(BOB)
        .args(["--local", "--quiet"])
        .run()
        .succeeds()
        .says_nothing();
}
