//! Who sees a credential, what of it, and who uses it.

use meshagent::wire::secrets::tool;
use serde_json::json;

use super::*;
use crate::secrecy::{every_file_is_clean, is_clean};

fn list(participant: &mut Participant) -> Vec<Value> {
    let list = participant
        .call(tool::LIST, Content::Empty)
        .into_json::<Value>()
        .unwrap();
    list["secrets"].as_array().unwrap().clone()
}

#[test]
fn a_credential_is_a_secret_that_says_nothing_of_its_tokens() {
    let env = TestEnv::new();
    let server = serve(&env);
    let endpoint = TokenEndpoint::start(numbered(3600));
    let (mut agent, mut bob, mut eve) = (join(&server, "agent"), join(&server, "bob"), join(&server, "eve"));
    let client = client(&endpoint.url());
    obtain(&mut agent, &mut bob, &client);
    let host = endpoint.url()["http://".len()..]
        .trim_end_matches("/token")
        .to_owned();
    let [listed] = &list(&mut bob)[..] else {
        panic!("one credential")
    };
    let mut of_bob = listed.clone();
    of_bob["owner"] = json!("bob");
    assert_eq!(list(&mut agent), [of_bob]);
    assert!(list(&mut eve).is_empty());
    let id = listed["id"].as_str().unwrap();
    assert!(id.starts_with(&format!("oauth:{host}/")), "{id}");
    assert_eq!(listed["type"], "application/vnd.meshagent.oauth-credential+json");
    assert_eq!(listed["name"], format!("{host}, client client: read write"));
    assert_eq!(listed["delegated_to"], "agent");

    let named = content(&json!({"secret_id": id, "delegated_to": "agent"}));
    for participant in [&mut bob, &mut agent] {
        let Content::File { mime_type, data, .. } = participant.call(tool::GET, named.clone()) else {
            panic!("a file")
        };
        assert_eq!(mime_type, listed["type"]);
        let shown: Value = serde_json::from_slice(data.expose()).unwrap();
        assert!(!shown.to_string().contains("canary"), "{shown}");
        assert_eq!(shown["client_id"], "client");
        assert_eq!(shown["scopes"], json!(["read", "write"]));
        assert_eq!(shown["can_be_refreshed"], true);
        let life = shown["expires_at"].as_u64().unwrap() - shown["issued_at"].as_u64().unwrap();
        assert!((3500..=3600).contains(&life), "{shown}");
    }
    assert!(matches!(eve.call(tool::GET, named), Content::Empty));
    // Its id is nobody's to set.
    let set = Content::binary(
        &json!({"secret_id": id, "delegated_to": "agent"}),
        b"x".to_vec().into(),
    )
    .unwrap();
    fails(&bob.call(tool::SET, set), 1002, "OAuth credentials");

    let deletion = content(&json!({"id": id, "delegated_to": "agent"}));
    fails(&agent.call(tool::DELETE, deletion.clone()), 1003, "");
    is_done(&bob.call(tool::DELETE, deletion));
    assert_eq!(token(offline(&mut agent, &client)), None);
    assert_eq!(obtain(&mut agent, &mut bob, &client).unwrap(), "canary-access-2");
}

#[test]
fn it_serves_the_two_identities_and_nobody_else() {
    let env = TestEnv::new();
    let server = serve(&env);
    let endpoint = TokenEndpoint::start(numbered(3600));
    let (mut agent, mut bob, mut eve) = (join(&server, "agent"), join(&server, "bob"), join(&server, "eve"));
    let client = client(&endpoint.url());
    obtain(&mut agent, &mut bob, &client);
    let offline = |participant: &mut Participant, to: Option<&str>, by: Option<&str>| {
        let input = json!({"oauth": client, "delegated_to": to, "delegated_by": by});
        token(participant.call(tool::OFFLINE_OAUTH, content(&input)))
    };
    for (to, by, found) in [
        (None, None, true),
        (Some("agent"), None, true),
        (None, Some("bob"), true),
        (Some("agent"), Some("bob"), true),
        (Some("bob"), None, false),
        (None, Some("agent"), false),
        (Some("eve"), Some("bob"), false),
    ] {
        for participant in [&mut agent, &mut bob] {
            assert_eq!(offline(participant, to, by).is_some(), found, "{to:?} {by:?}");
        }
        assert_eq!(offline(&mut eve, to, by), None, "{to:?} {by:?}");
    }
    // Another client, endpoint or room has no part in it; who asks for itself asks anew.
    for (member, value) in [
        ("client_id", "other".to_owned()),
        (
            "authorization_endpoint",
            "https://provider.example/other".to_owned(),
        ),
        ("token_endpoint", format!("{}/other", endpoint.url())),
    ] {
        let mut other = client.clone();
        other[member] = json!(value);
        assert_eq!(token(super::offline(&mut agent, &other)), None, "{member}");
    }
    let mut elsewhere = Participant::join(server.address(), "hall", &server.token("bob", "hall", false));
    assert_eq!(offline(&mut elsewhere, None, None), None);
    assert_eq!(obtain(&mut eve, &mut bob, &client).unwrap(), "canary-access-2");
    assert_eq!(offline(&mut agent, None, None).unwrap(), "canary-access-1");
    assert_eq!(offline(&mut eve, None, None).unwrap(), "canary-access-2");
}

#[test]
fn one_asks_for_another() {
    let env = TestEnv::new();
    let server = serve(&env);
    let endpoint = TokenEndpoint::start(numbered(3600));
    let (mut agent, mut bob, mut carol) = (
        join(&server, "agent"),
        join(&server, "bob"),
        join(&server, "carol"),
    );
    let client = client(&endpoint.url());
    let mut request = asking(&client, &bob.id);
    request["delegate_to"] = json!("carol");
    agent.ask(tool::REQUEST_OAUTH, content(&request));
    assert_eq!(sign_in(&mut bob, "code")["request"]["delegate_to"], "carol");
    assert_eq!(token(answer(&mut agent)).unwrap(), "canary-access-1");
    assert_eq!(token(offline(&mut carol, &client)).unwrap(), "canary-access-1");
    // It is Carol's now: the agent sees it no more, and gets it no more without somebody's consent.
    assert_eq!(token(offline(&mut agent, &client)), None);
    agent.ask(tool::REQUEST_OAUTH, content(&request));
    sign_in(&mut bob, "code");
    assert_eq!(token(answer(&mut agent)).unwrap(), "canary-access-2");
}

#[test]
fn a_credential_serves_what_it_covers() {
    let env = TestEnv::new();
    let server = serve(&env);
    let endpoint = TokenEndpoint::start(|number, call| {
        let scope = if call.form["code"] == "narrower" {
            Some("read")
        } else {
            None
        };
        ok(&json!({"access_token": format!("a{number}"), "scope": scope}))
    });
    let (mut agent, mut bob) = agent_and_bob(&server);
    let with = |scopes: &[&str]| {
        let mut client = client(&endpoint.url());
        client["scopes"] = json!(scopes);
        client
    };
    let (all, read) = (with(&["read", "write"]), with(&["read"]));
    agent.ask(tool::REQUEST_OAUTH, content(&asking(&all, &bob.id)));
    sign_in(&mut bob, "narrower");
    assert_eq!(token(answer(&mut agent)).unwrap(), "a1");
    // What was not granted is asked for again.
    assert_eq!(token(offline(&mut agent, &all)), None);
    assert_eq!(token(offline(&mut agent, &read)).unwrap(), "a1");
    assert_eq!(obtain(&mut agent, &mut bob, &with(&["other"])).unwrap(), "a2");
    assert_eq!(list(&mut bob).len(), 2);
    // One that is good for more takes the place of those it covers.
    assert_eq!(
        obtain(&mut agent, &mut bob, &with(&["write", "read", "other"])).unwrap(),
        "a3"
    );
    assert_eq!(list(&mut bob).len(), 1);
    for scopes in [&["other"][..], &["read"], &["other", "read"], &[]] {
        assert_eq!(
            token(offline(&mut agent, &with(scopes))).unwrap(),
            "a3",
            "{scopes:?}"
        );
    }
    assert_eq!(endpoint.calls().len(), 3);
}

#[test]
fn no_token_secret_code_or_verifier_is_in_a_log_or_a_file() {
    let env = TestEnv::new();
    let server = serve(&env);
    let endpoint = TokenEndpoint::start(numbered(0));
    let (mut agent, mut bob) = agent_and_bob(&server);
    let client = client(&endpoint.url());
    obtain(&mut agent, &mut bob, &client);
    token(offline(&mut agent, &client));
    let verifier = endpoint.calls()[0].form["code_verifier"].clone();
    let secrets = [
        "canary-access-1",
        "canary-refresh-1",
        "canary-access-2",
        "canary-refresh-2",
        "canary-secret",
        "canary-code",
        &verifier,
    ];
    is_clean("the server's log", server.log().as_bytes(), &secrets);
    every_file_is_clean(&env, &secrets);
    server.stop();
    every_file_is_clean(&env, &secrets);
}

/// Anybody can delegate a credential of theirs to the agent, and so have it work with their account.
#[test]
fn whose_account_is_used_is_not_left_to_chance() {
    let env = TestEnv::new();
    let server = serve(&env);
    let endpoint = TokenEndpoint::start(numbered(3600));
    let (mut agent, mut bob) = agent_and_bob(&server);
    let client = client(&endpoint.url());
    obtain(&mut agent, &mut bob, &client);
    assert_eq!(token(offline(&mut agent, &client)).unwrap(), "canary-access-1");
    let mut eve = join(&server, "eve");
    obtain(&mut agent, &mut eve, &client);
    fails(&offline(&mut agent, &client), 1005, "`delegated_by`");
    for (by, expected) in [("bob", "canary-access-1"), ("eve", "canary-access-2")] {
        let input = json!({"oauth": client, "delegated_by": by});
        let found = agent.call(tool::OFFLINE_OAUTH, content(&input));
        assert_eq!(token(found).unwrap(), expected);
    }
    // One's own is used before any other.
    let mut other_session = join(&server, "agent");
    obtain(&mut other_session, &mut agent, &client);
    assert_eq!(token(offline(&mut agent, &client)).unwrap(), "canary-access-3");
}

#[test]
fn a_damaged_credential_is_passed_over() {
    let env = TestEnv::new();
    let server = serve(&env);
    let endpoint = TokenEndpoint::start(numbered(3600));
    let (mut agent, mut bob) = agent_and_bob(&server);
    let client = client(&endpoint.url());
    obtain(&mut agent, &mut bob, &client);
    obtain(&mut agent, &mut join(&server, "eve"), &client);
    let database = rusqlite::Connection::open(crate::bad_store::database(&env)).unwrap();
    let damage = "UPDATE secret SET sealed = zeroblob(length(sealed)) WHERE owner = 'bob'";
    assert_eq!(database.execute(damage, ()).unwrap(), 1);
    assert_eq!(token(offline(&mut agent, &client)).unwrap(), "canary-access-2");
    assert_eq!(token(offline(&mut bob, &client)), None);
    // It is asked for anew, and what comes replaces what was damaged.
    assert_eq!(obtain(&mut agent, &mut bob, &client).unwrap(), "canary-access-3");
    assert_eq!(token(offline(&mut bob, &client)).unwrap(), "canary-access-3");
    assert!(server.log().contains("a credential is passed over"));
}
