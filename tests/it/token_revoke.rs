//! Tokens that are revoked while the server runs.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use meshagent::wire::Content;
use meshagent::wire::secrets::tool;
use rustix::process::Signal;
use serde_json::Value;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::support::{Call, Participant, TestEnv, TestServer, upgrade};
use crate::token_generate::{claims, forge, signing_key};

fn revoke<const N: usize>(env: &TestEnv, what: [&str; N]) -> Call {
    env.call(["token", "revoke"]).args(what)
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn id(token: &str) -> String {
    claims(token)["jti"].as_str().unwrap().to_owned()
}

fn join(server: &TestServer<'_>, token: &str) -> Participant {
    Participant::join(server.address(), "room", token)
}

/// The status of a join with this token.
fn joins(server: &TestServer<'_>, token: &str) -> u16 {
    let bearer = format!("Bearer {token}");
    upgrade(server.address(), "/rooms/room", &[("Authorization", &bearer)]).status
}

fn works(participant: &mut Participant) -> bool {
    matches!(participant.call(tool::LIST, Content::Empty), Content::Json(_))
}

/// The server closes the session, and says why.
fn is_closed(mut participant: Participant) {
    let frame = participant.close_frame().unwrap();
    assert_eq!(
        (frame.code, frame.reason.as_str()),
        (CloseCode::Policy, "the token has been revoked: get a new one")
    );
}

#[test]
fn a_revoked_token_ends_its_sessions_and_no_others() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (one, two) = (
        server.token("bob", "room", false),
        server.token("bob", "room", false),
    );
    let (mut of_one, mut of_two) = (join(&server, &one), join(&server, &two));
    assert!(works(&mut of_one) && works(&mut of_two));
    revoke(&env, [&id(&one)])
        .run()
        .succeeds()
        .says("Revoked the token");
    is_closed(of_one);
    assert!(works(&mut of_two));
    assert_eq!((joins(&server, &one), joins(&server, &two)), (403, 101));
    let refused = server.with_this_token(&one, "room").secret(["list"]).run();
    assert!(!refused.refuses(4).says("has been revoked").err().contains(&one));
    server.stop();

    let server = TestServer::start(&env);
    assert_eq!((joins(&server, &one), joins(&server, &two)), (403, 101));
    server.stop();
    // While no server runs.
    revoke(&env, [&id(&two)]).run().succeeds();
    let server = TestServer::start(&env);
    assert_eq!((joins(&server, &one), joins(&server, &two)), (403, 403));
    server.stop();
}

#[test]
fn tokens_of_an_identity_are_revoked_and_a_later_one_is_accepted() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (of_bob, of_carol) = (
        server.token("bob", "room", false),
        server.token("carol", "room", false),
    );
    let (mut bob, mut carol) = (join(&server, &of_bob), join(&server, &of_carol));
    assert!(works(&mut bob) && works(&mut carol));
    let before = now();
    revoke(&env, ["--identity", "bob"])
        .run()
        .succeeds()
        .says("of bob");
    is_closed(bob);
    assert!(works(&mut carol));
    assert_eq!((joins(&server, &of_bob), joins(&server, &of_carol)), (403, 101));
    // As signed by a clock that is some seconds ahead, or later.
    let issued = |at: u64| {
        let mut claimed = claims(&of_bob);
        claimed["iat"] = at.into();
        forge(
            &serde_json::json!({"alg": "HS256"}),
            &claimed,
            &signing_key(&server.api_key()),
        )
    };
    assert_eq!(joins(&server, &issued(before)), 403);
    assert_eq!(joins(&server, &issued(now() + 1)), 101);
    let mut undated = claims(&of_bob);
    undated.as_object_mut().unwrap().remove("iat");
    let undated = forge(
        &serde_json::json!({"alg": "HS256"}),
        &undated,
        &signing_key(&server.api_key()),
    );
    assert_eq!(joins(&server, &undated), 403);
    server.stop();
}

#[test]
fn tokens_of_an_api_key_are_revoked_and_the_key_stays() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let made = env.call(["api-key", "create"]).run().succeeds();
    let other = made.out().to_owned();
    let (kid, token) = (
        claims(&server.token("bob", "room", false))["kid"].clone(),
        server.token("bob", "room", false),
    );
    let flags = ["token", "generate", "--identity", "bob", "--room", "room"];
    let of_other = env.call(flags).env("MESHAGENT_API_KEY", &other).run().succeeds();
    let of_other = of_other.out().trim_end().to_owned();
    let (bob, mut other) = (join(&server, &token), join(&server, &of_other));
    revoke(&env, ["--api-key", kid.as_str().unwrap()])
        .run()
        .succeeds()
        .says("of the API key");
    is_closed(bob);
    assert!(works(&mut other));
    assert_eq!((joins(&server, &token), joins(&server, &of_other)), (403, 101));
    assert_eq!(
        env.call(["api-key", "list"])
            .run()
            .succeeds()
            .json()
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let stranger = "11111111-2222-4333-8444-555555555555";
    revoke(&env, ["--api-key", stranger]).run().refuses(3);
    server.stop();
}

#[test]
fn a_token_on_stdin_is_revoked_and_never_shown() {
    let env = TestEnv::new();
    let server = TestServer::start_with(&env, &["-vvv"]);
    let bob = ["--identity", "bob", "--room", "room"];
    let token = server.token_with(&bob, &["--expires-in", "1h"]);
    let signature = token.rsplit('.').next().unwrap().to_owned();
    let ran = revoke(&env, ["-", "-vvv"])
        .stdin(format!("{token}\n"))
        .run()
        .succeeds();
    assert!(!ran.err().contains(&signature), "{}", ran.err());
    assert_eq!(joins(&server, &token), 403);
    let again = revoke(&env, ["-"]).stdin(&token).run().succeeds();
    again.says("has been revoked");
    // A whole token in the place of an id: it is visible to other programs, and not repeated at least.
    let whole = revoke(&env, [&token]).run().refuses(2);
    assert!(!whole.says("on stdin").err().contains(&signature));
    let mut parts: Vec<&str> = token.split('.').collect();
    let forged = URL_SAFE_NO_PAD.encode([7; 32]);
    parts[2] = &forged;
    let ran = revoke(&env, ["-"]).stdin(parts.join(".")).run().refuses(4);
    ran.says("not signed with this server's API key");
    assert!(!server.log().contains(&signature));
    server.stop();
}

#[test]
fn revoke_takes_exactly_one_thing() {
    let env = TestEnv::new();
    revoke(&env, []).run().ends_with(2);
    revoke(&env, ["a", "--identity", "bob"]).run().ends_with(2);
    revoke(&env, ["--identity", "a\nb"]).run().ends_with(2);
    revoke(&env, ["a\nb"]).run().refuses(2);
    revoke(&env, [""]).run().refuses(2);
    revoke(&env, ["-"])
        .stdin("")
        .run()
        .refuses(2)
        .says("no token on stdin");
    assert!(!env.data_dir().exists());
}

/// A connect call with a revoked token is refused as a join is.
#[test]
fn a_revoked_token_makes_no_connect_call() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let token = server.token("bob", "room", false);
    let project = server.client_env()["MESHAGENT_PROJECT_ID"].clone();
    let path = format!("/accounts/projects/{project}/rooms/room/connect");
    let bearer = format!("Bearer {token}");
    let connect = || crate::support::request(server.address(), "POST", &path, &[("Authorization", &bearer)]);
    let answer: Value = serde_json::from_str(&connect().body).unwrap();
    assert_eq!(answer["jwt"], token.as_str());
    revoke(&env, [&id(&token)]).run().succeeds();
    assert_eq!(connect().status, 401);
    server.stop();
}

/// The command does not say that a token is revoked while a server still accepts it.
#[test]
fn a_server_that_does_not_apply_a_revocation_is_reported() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let token = server.token("bob", "room", false);
    let mut bob = join(&server, &token);
    assert!(works(&mut bob));
    server.signal(Signal::STOP);
    let ran = revoke(&env, [&id(&token)]).run();
    server.signal(Signal::CONT);
    ran.refuses(1).says("the running server has not applied it");
    is_closed(bob);
    assert_eq!(joins(&server, &token), 403);
    server.stop();
}
