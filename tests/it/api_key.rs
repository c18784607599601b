//! API keys of a room server: several at once, made and deleted while it runs.

use std::os::unix::fs::PermissionsExt as _;

use meshagent::wire::secrets::tool;
use meshagent::wire::{Content, ErrorCode};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::support::{Call, Participant, Ran, TestEnv, TestServer, is_error, request};

fn api_key<const N: usize>(env: &TestEnv, arguments: [&str; N]) -> Call {
    env.call(["api-key"]).args(arguments)
}

fn create<const N: usize>(env: &TestEnv, flags: [&str; N]) -> String {
    let made = api_key(env, ["create"]).args(flags).run().succeeds();
    made.out().to_owned()
}

/// The keys as they are listed, by name.
fn listed(env: &TestEnv) -> Vec<(String, String, bool)> {
    let keys = api_key(env, ["list"]).run().succeeds().json();
    let keys = keys.as_array().unwrap().iter();
    keys.map(|key| {
        let text = |member: &str| key[member].as_str().unwrap().to_owned();
        assert!(text("created_at").ends_with('Z'), "{key}");
        (text("name"), text("id"), key["current"].as_bool().unwrap())
    })
    .collect()
}

fn id(env: &TestEnv, name: &str) -> String {
    let found = listed(env).into_iter().find(|key| key.0 == name);
    found.unwrap().1
}

fn delete(env: &TestEnv, id: &str) -> Ran {
    api_key(env, ["delete", id]).run()
}

/// A participant token that `key` signs.
fn token(env: &TestEnv, key: &str, identity: &str) -> String {
    let flags = ["token", "generate", "--identity", identity, "--room", "room"];
    let made = env.call(flags).env("MESHAGENT_API_KEY", key).run().succeeds();
    made.out().trim_end().to_owned()
}

/// The status of a connect call with this key.
fn connects(server: &TestServer<'_>, key: &str) -> u16 {
    let project = &server.client_env()["MESHAGENT_PROJECT_ID"];
    let path = format!("/accounts/projects/{project}/rooms/room/connect");
    let bearer = format!("Bearer {key}");
    request(server.address(), "POST", &path, &[("Authorization", &bearer)]).status
}

fn works(participant: &mut Participant) -> bool {
    let listed = participant.call(tool::LIST, Content::Empty);
    matches!(listed, Content::Json(_))
}

#[test]
fn api_keys_are_live_as_soon_as_they_are_created() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let first = server.api_key();
    let second = create(&env, ["--name", "ci"]);
    assert_ne!(first, second);
    for key in [&first, &second] {
        assert_eq!(connects(&server, key), 200);
        let token = token(&env, key, "bob");
        server
            .with_this_token(&token, "room")
            .secret(["list"])
            .run()
            .succeeds();
    }
    assert_eq!(server.api_key(), first, "the current key stays");
    let names: Vec<_> = listed(&env).into_iter().map(|key| (key.0, key.2)).collect();
    assert_eq!(names, [(String::new(), true), ("ci".to_owned(), false)]);
    server.stop();
}

#[test]
fn a_deleted_api_key_ends_its_sessions_and_no_others() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (first, second) = (server.api_key(), create(&env, ["--name", "ci"]));
    let join = |key: &str| Participant::join(server.address(), "room", &token(&env, key, "bob"));
    let of_second = token(&env, &second, "bob");
    let (mut one, mut two) = (join(&first), join(&second));
    assert!(works(&mut one) && works(&mut two));
    delete(&env, &id(&env, "ci"))
        .succeeds()
        .says("Deleted the API key");
    // Not even a call that is sent before the session is closed is answered.
    two.ask(tool::LIST, Content::Empty);
    let frame = two.close_frame().unwrap();
    assert_eq!(frame.code, CloseCode::Policy);
    assert!(works(&mut one));
    assert_eq!(
        (connects(&server, &second), connects(&server, &first)),
        (401, 200)
    );
    let refused = server.with_this_token(&of_second, "room").secret(["list"]).run();
    refused.refuses(4).says("an API key that is not known here");
    server.stop();

    let server = TestServer::start(&env);
    assert_eq!(
        (connects(&server, &second), connects(&server, &first)),
        (401, 200)
    );
    server.stop();
}

#[test]
fn client_env_follows_the_current_api_key() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let before = server.client_env();
    let new = create(&env, ["--name", "new", "--activate"]);
    let mut expected = before.clone();
    expected.insert("MESHAGENT_API_KEY".into(), new.clone());
    assert_eq!(server.client_env(), expected);
    let file = env.data_dir().join("client.env");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    // Commands that take the key from there, and the session of one that did.
    env.local().set("a", "x");
    let mut bob = server.join("bob");
    delete(&env, &id(&env, "new")).succeeds();
    assert_eq!(bob.close_frame().unwrap().code, CloseCode::Policy);
    assert_eq!(server.client_env(), before);
    assert_eq!(env.local().get("a"), b"x");
    server.stop();

    // The same while no server runs.
    let new = create(&env, ["--activate"]);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(&new), "client.env has the former key");
    let server = TestServer::start(&env);
    assert_eq!(server.api_key(), new);
    assert_eq!(env.local().get("a"), b"x");
    server.stop();
}

#[test]
fn the_last_api_key_and_unknown_ones_are_not_deleted() {
    let env = TestEnv::new();
    let only = id(&env, "");
    delete(&env, &only).refuses(1).says("create another one first");
    let stranger = "11111111-2222-4333-8444-555555555555";
    delete(&env, stranger).refuses(3).says("no API key with the id");
    delete(&env, "nonsense").ends_with(2);
    api_key(&env, ["create", "--name", "a\nb"]).run().ends_with(2);
    assert_eq!(listed(&env).len(), 1);
}

#[test]
fn a_new_api_key_goes_into_a_file_of_its_owner() {
    let env = TestEnv::new();
    let made = api_key(&env, ["create", "--out", "ci.key"]).run().succeeds();
    assert_eq!(made.out(), "");
    let file = env.file("ci.key");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("ma-"));
    // The target is checked before a key is made.
    api_key(&env, ["create", "--out", "ci.key"]).run().refuses(1);
    assert_eq!(listed(&env).len(), 2);
}

#[test]
fn an_api_key_is_shown_once_and_never_logged() {
    let env = TestEnv::new();
    let server = TestServer::start_with(&env, &["-vvv"]);
    let made = api_key(&env, ["create", "--name", "ci", "-vvv"]).run().succeeds();
    let key = made.out().to_owned();
    let secret = key.splitn(4, '-').nth(3).unwrap().to_owned();
    assert!(!made.err().contains(&secret), "{}", made.err());
    let deleted_id = id(&env, "ci");
    let shown = api_key(&env, ["list", "--output", "table", "-vvv"])
        .run()
        .succeeds();
    assert!(shown.out().contains(&deleted_id));
    let json = api_key(&env, ["list", "-vvv"]).run().succeeds();
    connects(&server, &key);
    let deleted = api_key(&env, ["delete", &deleted_id, "-vvv"]).run().succeeds();
    connects(&server, &key);
    for text in [
        shown.out(),
        shown.err(),
        json.out(),
        json.err(),
        deleted.out(),
        deleted.err(),
        &server.log(),
    ] {
        assert!(!text.contains(&secret), "{text}");
    }
    server.stop();
}

/// A call of a session whose key is gone is refused, whether or not the close frame has come.
#[test]
fn no_call_of_a_deleted_api_key_has_an_effect() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let second = create(&env, ["--name", "ci"]);
    let mut bob = Participant::join(server.address(), "room", &token(&env, &second, "bob"));
    let headers = json!({"secret_id": "a", "has_data": true});
    let set = Content::binary(&headers, b"x".to_vec().into()).unwrap();
    delete(&env, &id(&env, "ci")).succeeds();
    bob.ask(tool::SET, set);
    assert_eq!(bob.close_frame().unwrap().code, CloseCode::Policy);
    let mut other = server.join("bob");
    let read = other.call(tool::GET, Content::json(&json!({"secret_id": "a"})).unwrap());
    assert!(matches!(read, Content::Empty), "{read:?}");
    let gone: Value = json!({"id": "a"});
    is_error(
        &other.call(tool::DELETE, Content::json(&gone).unwrap()),
        ErrorCode::NotFound,
    );
    server.stop();
}
