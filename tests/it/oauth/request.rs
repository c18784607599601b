//! Who is asked for what, and what becomes of the answer.

use meshagent::wire::secrets::tool;
use meshagent::wire::{Content, RequestId};
use serde_json::json;

use super::*;

#[test]
fn a_participant_signs_in_once_and_the_room_holds_the_credential() {
    let env = TestEnv::new();
    let server = serve(&env);
    let endpoint = TokenEndpoint::start(numbered(3600));
    let (mut agent, mut bob) = agent_and_bob(&server);
    let client = client(&endpoint.url());
    let request = asking(&client, &bob.id);
    agent.ask(tool::REQUEST_OAUTH, content(&request));
    let pushed = sign_in(&mut bob, "co/de+1");
    assert_eq!(token(answer(&mut agent)).unwrap(), "canary-access-1");

    let [call] = &endpoint.calls()[..] else {
        panic!("one exchange")
    };
    assert!(call.head.starts_with("POST /token HTTP/1.1"));
    assert_eq!(call.basic.as_deref(), Some("client:canary-secret"));
    assert_eq!(call.form["grant_type"], "authorization_code");
    assert_eq!(call.form["code"], "co/de+1");
    assert_eq!(call.form["redirect_uri"], REDIRECT);
    assert!(!call.form.contains_key("client_secret"));
    // Who signs in sees everything but the client's secret.
    assert_eq!(
        pushed,
        json!({
            "request_id": pushed["request_id"],
            "request": {
                "connector": null,
                "oauth": {
                    "client_id": "client", "authorization_endpoint": AUTHORIZE,
                    "token_endpoint": endpoint.url(), "no_pkce": false, "scopes": ["read", "write"],
                },
                "redirect_uri": REDIRECT, "participant_id": bob.id, "timeout": 60, "delegate_to": null,
            },
            "challenge": challenge_of(call),
            "requester": {"id": agent.id, "name": "agent"},
        })
    );
    assert!(RequestId::new(pushed["request_id"].as_str().unwrap()).is_ok());

    // Nobody is asked again, and the provider neither.
    for _ in 0..2 {
        let again = agent.call(tool::REQUEST_OAUTH, content(&request));
        assert_eq!(token(again).unwrap(), "canary-access-1");
    }
    assert_eq!(token(offline(&mut agent, &client)).unwrap(), "canary-access-1");
    assert_eq!(endpoint.calls().len(), 1);
}

#[test]
fn one_signs_in_for_oneself() {
    let env = TestEnv::new();
    let server = serve(&env);
    let endpoint = TokenEndpoint::start(numbered(3600));
    let mut bob = join(&server, "bob");
    let request = asking(&client(&endpoint.url()), &bob.id);
    bob.ask(tool::REQUEST_OAUTH, content(&request));
    let pushed = pushed(&mut bob);
    bob.ask(
        tool::PROVIDE_OAUTH,
        content(&json!({"request_id": pushed["request_id"], "code": "c"})),
    );
    let answers = bob.answers(2);
    assert_eq!(token(answers[&1].clone()).unwrap(), "canary-access-1");
    is_done(&answers[&2]);
    let again = bob.call(tool::REQUEST_OAUTH, content(&request));
    assert_eq!(token(again).unwrap(), "canary-access-1");
}

#[test]
fn a_public_client_and_one_without_pkce() {
    let env = TestEnv::new();
    let server = serve(&env);
    let endpoint = TokenEndpoint::start(numbered(3600));
    let (mut agent, mut bob) = agent_and_bob(&server);
    let public = json!({
        "client_id": "public", "authorization_endpoint": AUTHORIZE, "token_endpoint": endpoint.url(),
        "client_secret": "", "scopes": null,
    });
    assert_eq!(obtain(&mut agent, &mut bob, &public).unwrap(), "canary-access-1");
    let mut plain = client(&endpoint.url());
    plain["no_pkce"] = json!(true);
    agent.ask(tool::REQUEST_OAUTH, content(&asking(&plain, &bob.id)));
    let pushed = sign_in(&mut bob, "code");
    assert!(pushed["challenge"].is_null() && pushed["request"]["oauth"]["no_pkce"] == true);
    assert_eq!(token(answer(&mut agent)).unwrap(), "canary-access-2");
    let calls = endpoint.calls();
    assert_eq!(calls[0].form["client_id"], "public");
    assert!(calls[0].basic.is_none() && !calls[0].form.contains_key("client_secret"));
    assert!(calls[0].form.contains_key("code_verifier") && !calls[1].form.contains_key("code_verifier"));
}

#[test]
fn the_participant_may_say_which_loopback_port_it_had() {
    let env = TestEnv::new();
    let server = serve(&env);
    let endpoint = TokenEndpoint::start(numbered(3600));
    let (mut agent, mut bob) = agent_and_bob(&server);
    let mut request = asking(&client(&endpoint.url()), &bob.id);
    for (asked, used, sent) in [
        (json!(null), json!(null), None),
        (
            json!(null),
            json!("http://127.0.0.1:8/x"),
            Some("http://127.0.0.1:8/x"),
        ),
        (
            json!("http://127.0.0.1/x"),
            json!("http://127.0.0.1:8/x"),
            Some("http://127.0.0.1:8/x"),
        ),
    ] {
        request["redirect_uri"] = asked;
        request["oauth"]["scopes"] = json!([used.to_string().trim_matches('"').replace('/', "-")]);
        request["oauth"]["client_id"] = json!(format!("client-{}", endpoint.calls().len()));
        agent.ask(tool::REQUEST_OAUTH, content(&request));
        let shown = pushed(&mut bob);
        // Other providers do not take null.
        assert!(shown["request"]["redirect_uri"].is_string(), "{shown}");
        let id = shown["request_id"].clone();
        let provided = json!({"request_id": id, "code": "c", "redirect_uri": used});
        is_done(&bob.call(tool::PROVIDE_OAUTH, content(&provided)));
        assert!(token(answer(&mut agent)).is_some());
        let calls = endpoint.calls();
        assert_eq!(
            calls.last().unwrap().form.get("redirect_uri").map(String::as_str),
            sent
        );
    }
    let calls = endpoint.calls().len();
    request["redirect_uri"] = json!("https://app.example/cb");
    request["oauth"]["client_id"] = json!("another");
    agent.ask(tool::REQUEST_OAUTH, content(&request));
    let id = pushed(&mut bob)["request_id"].clone();
    let provided = json!({"request_id": id, "code": "c", "redirect_uri": "https://evil.example/cb"});
    is_done(&bob.call(tool::PROVIDE_OAUTH, content(&provided)));
    fails(&answer(&mut agent), 1008, "another redirect URI");
    assert_eq!(endpoint.calls().len(), calls);
}

#[test]
fn a_rejection_is_told_with_its_reason_and_nothing_is_exchanged() {
    let env = TestEnv::new();
    let server = serve(&env);
    let endpoint = TokenEndpoint::start(numbered(3600));
    let (mut agent, mut bob) = agent_and_bob(&server);
    let client = client(&endpoint.url());
    for (reason, told) in [
        (
            "access_denied",
            "the participant rejected the request: access_denied",
        ),
        ("", "the participant rejected the request"),
    ] {
        agent.ask(tool::REQUEST_OAUTH, content(&asking(&client, &bob.id)));
        let id = pushed(&mut bob)["request_id"].clone();
        // An error beside a code wins.
        let rejected = json!({"request_id": id, "code": "code", "error": reason});
        is_done(&bob.call(tool::PROVIDE_OAUTH, content(&rejected)));
        let Content::Rejected { text } = answer(&mut agent) else {
            panic!("not rejected")
        };
        assert_eq!(text, told);
    }
    assert!(endpoint.calls().is_empty());
    assert_eq!(token(offline(&mut agent, &client)), None);
}

#[test]
fn only_the_one_that_was_asked_answers_and_once() {
    let env = TestEnv::new();
    let server = serve(&env);
    let endpoint = TokenEndpoint::start(numbered(3600));
    let (mut agent, mut bob, mut eve) = (join(&server, "agent"), join(&server, "bob"), join(&server, "eve"));
    let client = client(&endpoint.url());
    agent.ask(tool::REQUEST_OAUTH, content(&asking(&client, &bob.id)));
    let id = pushed(&mut bob)["request_id"].clone();
    let provided = content(&json!({"request_id": id, "code": "evil"}));
    for other in [&mut eve, &mut agent] {
        other.ask(tool::PROVIDE_OAUTH, provided.clone());
    }
    fails(&answer(&mut eve), 1003, "no such request");
    fails(&answer(&mut agent), 1003, "no such request");
    // A secret is no answer to it, and an answer without a code is none.
    let secret = Content::binary(&json!({"request_id": id}), b"x".to_vec().into()).unwrap();
    fails(&bob.call("provide_secret", secret), 1003, "no such request");
    for without in [
        json!({"request_id": id}),
        json!({"request_id": id, "code": "a\nb"}),
        json!({"request_id": id, "code": ""}),
    ] {
        fails(&bob.call(tool::PROVIDE_OAUTH, content(&without)), 1002, "");
    }
    is_done(&bob.call(
        tool::PROVIDE_OAUTH,
        content(&json!({"request_id": id, "code": "good"})),
    ));
    assert_eq!(token(answer(&mut agent)).unwrap(), "canary-access-1");
    fails(&bob.call(tool::PROVIDE_OAUTH, provided), 1003, "no such request");
    assert_eq!(endpoint.calls()[0].form["code"], "good");
    assert_eq!(endpoint.calls().len(), 1);
}

#[test]
fn who_leaves_or_is_not_there_gives_no_token() {
    let env = TestEnv::new();
    let server = serve(&env);
    let endpoint = TokenEndpoint::start(numbered(3600));
    let (mut agent, mut bob) = agent_and_bob(&server);
    let client = client(&endpoint.url());
    agent.ask(tool::REQUEST_OAUTH, content(&asking(&client, &bob.id)));
    pushed(&mut bob);
    let gone = bob.id.clone();
    drop(bob);
    fails(&answer(&mut agent), 1008, "left");
    let unknown = agent.call(tool::REQUEST_OAUTH, content(&asking(&client, &gone)));
    fails(&unknown, 1003, "no participant");
    let mut bob = join(&server, "bob");
    let mut short = asking(&client, &bob.id);
    short["timeout"] = json!(1);
    agent.ask(tool::REQUEST_OAUTH, content(&short));
    pushed(&mut bob);
    fails(&answer(&mut agent), 1009, "in time");
}

#[test]
fn a_grant_that_lists_clients_allows_no_other() {
    let env = TestEnv::new();
    let server = serve(&env);
    let endpoint = TokenEndpoint::start(numbered(3600));
    let token_endpoint = endpoint.url();
    let spec = env.write(
        "token.yaml",
        format!(
            "kind: ParticipantToken\nversion: v1\nidentity: agent\nroom: room\napi:\n  secrets:\n    request_oauth_token:\n      - endpoint: https://provider.example/auth*\n        client_id: client\n        token_endpoint: {token_endpoint}\n      - endpoint: https://provider.example*\n        client_id: same\n",
        ),
    );
    let limited = server.token_with(&["--input", spec.to_str().unwrap()], &[]);
    let mut agent = Participant::join(server.address(), "room", &limited);
    let mut bob = join(&server, "bob");
    let good = client(&endpoint.url());
    assert!(obtain(&mut agent, &mut bob, &good).is_some());
    assert!(token(offline(&mut agent, &good)).is_some());
    let evil = TokenEndpoint::start(numbered(3600));
    let evil_url = evil.url();
    for (member, value) in [
        ("client_id", "other"),
        // Its token endpoint is not at the host where one signs in.
        ("client_id", "same"),
        ("token_endpoint", evil_url.as_str()),
        ("authorization_endpoint", "https://provider.example/other"),
        ("authorization_endpoint", "https://evil.example/authorize"),
    ] {
        let mut other = good.clone();
        other[member] = json!(value);
        let asked = agent.call(tool::REQUEST_OAUTH, content(&asking(&other, &bob.id)));
        fails(&asked, 1001, "does not list this client");
        fails(&offline(&mut agent, &other), 1001, "does not list this client");
    }
    assert_eq!(endpoint.calls().len(), 1);
    assert!(evil.calls().is_empty());
    let mut across = good;
    across["client_id"] = json!("same");
    for (authorize, token, allowed) in [
        (AUTHORIZE, "https://provider.example/token", true),
        (
            "https://provider.example.evil.example/",
            "https://provider.example.evil.example/",
            false,
        ),
    ] {
        across["authorization_endpoint"] = json!(authorize);
        across["token_endpoint"] = json!(token);
        let answer = offline(&mut agent, &across);
        if allowed {
            assert_eq!(super::token(answer), None);
        } else {
            fails(&answer, 1001, "does not list this client");
        }
    }
}

#[test]
fn what_cannot_be_asked_for_is_refused_before_anybody_is_asked() {
    let env = TestEnv::new();
    let server = serve(&env);
    let mut agent = join(&server, "agent");
    let good = client("http://127.0.0.1:1/token");
    let connector = json!({"openai_connector_id": "x"});
    for tool in [tool::REQUEST_OAUTH, tool::OFFLINE_OAUTH] {
        let mut input = asking(&good, &agent.id);
        input["connector"] = connector.clone();
        fails(&agent.call(tool, content(&input)), 1007, "connector");
        input["oauth"] = json!(null);
        fails(&agent.call(tool, content(&input)), 1007, "connector");
        input["connector"] = json!(null);
        fails(&agent.call(tool, content(&input)), 1002, "oauth");
    }
    for (member, value, says) in [
        ("client_id", json!(""), "client_id"),
        ("client_id", json!("a\nb"), "client_id"),
        ("client_secret", json!("\u{e9}"), "client_secret"),
        ("authorization_endpoint", json!(""), "authorization_endpoint"),
        (
            "authorization_endpoint",
            json!("javascript:alert(1)"),
            "authorization_endpoint",
        ),
        (
            "authorization_endpoint",
            json!("https://good.example@evil.example/"),
            "authorization_endpoint",
        ),
        (
            "authorization_endpoint",
            json!("https://p.example/#x"),
            "authorization_endpoint",
        ),
        ("token_endpoint", json!("token"), "token_endpoint"),
        ("token_endpoint", json!("http://p.example/token"), "not encrypted"),
        (
            "token_endpoint",
            json!("https://10.0.0.1/token"),
            "no public address",
        ),
        (
            "token_endpoint",
            json!("https://[::ffff:169.254.169.254]/token"),
            "no public address",
        ),
        (
            "token_endpoint",
            json!("https://u:p@p.example/token"),
            "user name",
        ),
        ("scopes", json!(["a b"]), "scopes"),
        ("scopes", json!("a"), ""),
        ("scopes", json!(vec!["a"; 300]), "scopes"),
    ] {
        let mut client = good.clone();
        client[member] = value;
        let answer = agent.call(tool::REQUEST_OAUTH, content(&asking(&client, &agent.id)));
        fails(&answer, 1002, says);
    }
    for (member, value) in [
        ("redirect_uri", json!("not a uri")),
        ("redirect_uri", json!("x".repeat(3000))),
        ("timeout", json!(0)),
        ("timeout", json!(-1)),
        ("delegate_to", json!("a\nb")),
        ("participant_id", json!("")),
    ] {
        let mut input = asking(&good, &agent.id);
        input[member] = value;
        fails(&agent.call(tool::REQUEST_OAUTH, content(&input)), 1002, "");
    }
    assert!(matches!(agent.call(tool::LIST, Content::Empty), Content::Json(_)));
}

#[test]
fn clients_before_march_2026_ask_and_answer_too() {
    let env = TestEnv::new();
    let server = serve(&env);
    let endpoint = TokenEndpoint::start(numbered(3600));
    let (mut agent, mut bob) = agent_and_bob(&server);
    let client = client(&endpoint.url());
    agent.ask(tool::REQUEST_OAUTH, content(&asking(&client, &bob.id)));
    let id = pushed(&mut bob)["request_id"].clone();
    let provided = json!({"request_id": id, "code": "c", "error": null});
    is_done(&bob.send("secrets.provide_oauth_authorization", &provided, b""));
    assert!(token(answer(&mut agent)).is_some());
    let again = agent.send("secrets.request_oauth_token", &asking(&client, &bob.id), b"");
    assert_eq!(token(again).unwrap(), "canary-access-1");
    let offline = agent.send("secrets.get_offline_oauth_token", &json!({"oauth": client}), b"");
    assert_eq!(token(offline).unwrap(), "canary-access-1");
}
