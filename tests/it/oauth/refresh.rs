//! Refreshing: when, how often, and what becomes of what the provider gives.

use meshagent::wire::secrets::tool;
use serde_json::json;

use super::*;

/// Answers by the kind of grant: codes are exchanged for `canary-access-N` that is over at once, and with
/// `canary-refresh-N`; a refresh is answered by `refresh`.
fn expiring(refresh: impl Fn(usize, &TokenCall) -> String + Send + Sync + 'static) -> TokenEndpoint {
    TokenEndpoint::start(move |number, call| match call.form["grant_type"].as_str() {
        "refresh_token" => refresh(number, call),
        _ => numbered(0)(number, call),
    })
}

fn refresh_tokens(endpoint: &TokenEndpoint) -> Vec<String> {
    let calls = endpoint.calls().into_iter();
    calls
        .filter_map(|call| call.form.get("refresh_token").cloned())
        .collect()
}

#[test]
fn an_expired_token_is_refreshed_and_a_rotated_refresh_token_is_used_next() {
    let env = TestEnv::new();
    let server = serve(&env);
    let endpoint = expiring(numbered(61));
    let (mut agent, mut bob) = agent_and_bob(&server);
    let client = client(&endpoint.url());
    assert_eq!(obtain(&mut agent, &mut bob, &client).unwrap(), "canary-access-1");
    // A minute before its end a token is not given out any more: this one lives for a second at most.
    let second = token(agent.call(tool::REQUEST_OAUTH, content(&asking(&client, &bob.id)))).unwrap();
    assert_eq!(second, "canary-access-2");
    assert_eq!(refresh_tokens(&endpoint), ["canary-refresh-1"]);
    let call = &endpoint.calls()[1];
    assert_eq!(call.basic.as_deref(), Some("client:canary-secret"));
    assert!(!call.form.contains_key("scope"));

    let endpoint = expiring(numbered(0));
    let client = super::client(&endpoint.url());
    obtain(&mut agent, &mut bob, &client);
    for number in 2..5 {
        assert_eq!(
            token(offline(&mut bob, &client)).unwrap(),
            format!("canary-access-{number}")
        );
    }
    let expected = ["canary-refresh-1", "canary-refresh-2", "canary-refresh-3"];
    assert_eq!(refresh_tokens(&endpoint), expected);
}

#[test]
fn a_refresh_token_stays_good_where_no_other_came() {
    let env = TestEnv::new();
    let server = serve(&env);
    let endpoint =
        expiring(|number, _| ok(&json!({"access_token": format!("a{number}"), "expires_in": "0"})));
    let (mut agent, mut bob) = agent_and_bob(&server);
    let client = client(&endpoint.url());
    obtain(&mut agent, &mut bob, &client);
    for number in 2..4 {
        assert_eq!(token(offline(&mut agent, &client)).unwrap(), format!("a{number}"));
    }
    assert_eq!(refresh_tokens(&endpoint), ["canary-refresh-1"; 2]);
}

#[test]
fn many_that_need_a_refresh_at_once_share_it() {
    let env = TestEnv::new();
    let server = serve(&env);
    let held = Held::start("refresh_token");
    let (mut agent, mut bob) = agent_and_bob(&server);
    let client = held.client();
    obtain(&mut agent, &mut bob, &client);
    for _ in 0..20 {
        agent.ask(tool::REQUEST_OAUTH, content(&asking(&client, &bob.id)));
        bob.ask(tool::OFFLINE_OAUTH, content(&json!({"oauth": client})));
    }
    held.go_on();
    for participant in [&mut agent, &mut bob] {
        for answer in participant.answers(20).into_values() {
            assert_eq!(token(answer).unwrap(), "canary-access-2");
        }
    }
    assert_eq!(held.endpoint.calls().len(), 2);
}

#[test]
fn what_the_provider_gives_is_kept_though_nobody_waits_any_more() {
    let env = TestEnv::new();
    let server = serve(&env);
    let held = Held::start("refresh_token");
    let (mut agent, mut bob) = agent_and_bob(&server);
    let client = held.client();
    obtain(&mut agent, &mut bob, &client);
    agent.ask(tool::REQUEST_OAUTH, content(&asking(&client, &bob.id)));
    held.called();
    drop(agent);
    // The server has seen it leave once it answers somebody who joined later.
    bob.call(tool::LIST, Content::Empty);
    held.go_on();
    assert_eq!(token(offline(&mut bob, &client)).unwrap(), "canary-access-2");
    assert_eq!(held.endpoint.calls().len(), 2);
}

#[test]
fn a_server_that_stops_keeps_what_a_provider_just_gave() {
    let env = TestEnv::new();
    let server = serve(&env);
    let held = Held::start("authorization_code");
    let (mut agent, mut bob) = agent_and_bob(&server);
    let client = held.client();
    agent.ask(tool::REQUEST_OAUTH, content(&asking(&client, &bob.id)));
    sign_in(&mut bob, "code");
    held.called();
    server.ask_to_stop();
    bob.is_dropped();
    held.go_on();
    server.stop();
    let server = serve(&env);
    assert_eq!(
        token(offline(&mut join(&server, "bob"), &client)).unwrap(),
        "canary-access-1"
    );
}

#[test]
fn after_a_revocation_somebody_is_asked_again() {
    let env = TestEnv::new();
    let server = serve(&env);
    let endpoint = expiring(|_, _| refused("invalid_grant"));
    let (mut agent, mut bob) = agent_and_bob(&server);
    let client = client(&endpoint.url());
    obtain(&mut agent, &mut bob, &client);
    assert_eq!(token(offline(&mut agent, &client)), None);
    assert_eq!(token(offline(&mut bob, &client)), None);
    assert_eq!(
        refresh_tokens(&endpoint).len(),
        1,
        "a token that was revoked is not tried again"
    );
    assert_eq!(obtain(&mut agent, &mut bob, &client).unwrap(), "canary-access-3");
    // Revoked again, and found so by a request this time.
    assert_eq!(obtain(&mut agent, &mut bob, &client).unwrap(), "canary-access-5");
    let list = bob.call(tool::LIST, Content::Empty).into_json::<Value>().unwrap();
    assert_eq!(list["secrets"].as_array().unwrap().len(), 1, "{list}");
}

#[test]
fn another_failure_is_told_and_changes_nothing() {
    let env = TestEnv::new();
    let server = serve(&env);
    let endpoint = expiring(|number, call| match number {
        2 | 3 => respond("503 Service Unavailable", "text/html", "<p>canary"),
        _ => numbered(3600)(number, call),
    });
    let (mut agent, mut bob) = agent_and_bob(&server);
    let client = client(&endpoint.url());
    obtain(&mut agent, &mut bob, &client);
    fails(&offline(&mut agent, &client), 1008, "answered 503");
    let asked = agent.call(tool::REQUEST_OAUTH, content(&asking(&client, &bob.id)));
    fails(&asked, 1008, "answered 503");
    assert_eq!(token(offline(&mut agent, &client)).unwrap(), "canary-access-4");
}

#[test]
fn a_token_without_a_refresh_token_is_asked_for_again_when_it_is_over() {
    let env = TestEnv::new();
    let server = serve(&env);
    let endpoint = TokenEndpoint::start(|number, _| {
        ok(&json!({"access_token": format!("a{number}"), "expires_in": 60}))
    });
    let (mut agent, mut bob) = agent_and_bob(&server);
    let client = client(&endpoint.url());
    assert_eq!(obtain(&mut agent, &mut bob, &client).unwrap(), "a1");
    assert_eq!(token(offline(&mut agent, &client)), None);
    assert_eq!(obtain(&mut agent, &mut bob, &client).unwrap(), "a2");
}

#[test]
fn what_is_deleted_during_a_refresh_stays_so() {
    let env = TestEnv::new();
    let server = serve(&env);
    let held = Held::start("refresh_token");
    let (mut agent, mut bob) = agent_and_bob(&server);
    let client = held.client();
    obtain(&mut agent, &mut bob, &client);
    agent.ask(tool::OFFLINE_OAUTH, content(&json!({"oauth": client})));
    held.called();
    let list = bob.call(tool::LIST, Content::Empty).into_json::<Value>().unwrap();
    let credential = json!({"id": list["secrets"][0]["id"], "delegated_to": "agent"});
    is_done(&bob.call(tool::DELETE, content(&credential)));
    held.go_on();
    assert_eq!(token(answer(&mut agent)), None);
    let list = bob.call(tool::LIST, Content::Empty).into_json::<Value>().unwrap();
    assert_eq!(list["secrets"], json!([]));
}

/// A client secret that one caller has wrong spoils nothing for the others.
#[test]
fn a_refresh_is_made_with_the_stored_client_secret() {
    let env = TestEnv::new();
    let server = serve(&env);
    let endpoint = expiring(|number, call| match call.basic.as_deref() {
        Some("client:canary-secret") => numbered(0)(number, call),
        _ => refused("invalid_grant"),
    });
    let (mut agent, mut bob) = agent_and_bob(&server);
    let client = client(&endpoint.url());
    obtain(&mut agent, &mut bob, &client);
    let wrong = with_secret(&client, "canary-wrong");
    assert_eq!(token(offline(&mut agent, &wrong)).unwrap(), "canary-access-2");
    assert_eq!(token(offline(&mut bob, &client)).unwrap(), "canary-access-3");
}

#[test]
fn another_client_secret_is_used_and_kept_once_the_stored_one_is_refused() {
    let env = TestEnv::new();
    let server = serve(&env);
    let endpoint = expiring(|number, call| {
        let form = call.form.get("client_secret").map(String::as_str);
        match form.or(call.basic.as_deref()) {
            Some("canary-next" | "client:canary-next") => numbered(0)(number, call),
            Some("canary-wrong" | "client:canary-wrong") => refused("invalid_grant"),
            _ => refused("invalid_client"),
        }
    });
    let (mut agent, mut bob) = agent_and_bob(&server);
    let client = client(&endpoint.url());
    obtain(&mut agent, &mut bob, &client);
    fails(&offline(&mut agent, &client), 1008, "invalid_client");
    // What the provider says with a secret that is not the client's does not cost the refresh token.
    let wrong = with_secret(&client, "canary-wrong");
    fails(&offline(&mut agent, &wrong), 1008, "invalid_grant");
    let next = with_secret(&client, "canary-next");
    assert!(token(offline(&mut agent, &next)).is_some());
    let calls = endpoint.calls().len();
    assert!(token(offline(&mut bob, &client)).is_some());
    assert_eq!(endpoint.calls().len(), calls + 1);
}

#[test]
fn who_can_sign_in_is_asked_whatever_the_provider_refuses() {
    for code in ["invalid_client", "unauthorized_client", "token_expired"] {
        let env = TestEnv::new();
        let server = serve(&env);
        let endpoint = expiring(move |_, _| refused(code));
        let (mut agent, mut bob) = agent_and_bob(&server);
        let client = client(&endpoint.url());
        assert!(obtain(&mut agent, &mut bob, &client).is_some());
        fails(&offline(&mut agent, &client), 1008, code);
        assert!(obtain(&mut agent, &mut bob, &client).is_some(), "{code}");
    }
}

fn with_secret(client: &Value, secret: &str) -> Value {
    let mut client = client.clone();
    client["client_secret"] = json!(secret);
    client
}
