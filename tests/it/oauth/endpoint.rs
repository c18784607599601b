//! Token endpoints that misbehave, and those that may not be called.

use std::io::Write;

use meshagent::wire::secrets::tool;
use serde_json::json;

use super::*;
use crate::support::{Authority, FakeServer};

/// What the requester hears when the exchange is answered so; nothing of the provider's own words.
fn hears(server: &TestServer<'_>, endpoint: &TokenEndpoint) -> Content {
    let (mut agent, mut bob) = agent_and_bob(server);
    let client = client(&endpoint.url());
    agent.ask(tool::REQUEST_OAUTH, content(&asking(&client, &bob.id)));
    sign_in(&mut bob, "canary-code");
    let heard = answer(&mut agent);
    assert!(!error_text(&heard).contains("canary"), "{}", error_text(&heard));
    // What failed is not kept.
    assert_eq!(token(offline(&mut agent, &client)), None);
    heard
}

#[test]
fn an_answer_that_is_no_token_is_told_without_the_providers_words() {
    let env = TestEnv::new();
    let server = serve(&env);
    let page = "<html>canary</html>";
    let long = format!("{{\"access_token\":\"canary\",\"x\":\"{}\"}}", "x".repeat(70_000));
    for (answer, says) in [
        (
            refused("invalid_grant"),
            "the OAuth provider refused: invalid_grant",
        ),
        (
            refused("\u{1b}[31mred\""),
            "the OAuth provider refused: ?[31mred?",
        ),
        (
            ok(&json!({"error": "bad_verification_code"})),
            "the OAuth provider refused: bad_verification_code",
        ),
        (respond("200 OK", "text/html", page), "answered 200"),
        (respond("404 Not Found", "text/html", page), "answered 404"),
        (
            respond(
                "302 Found\r\nLocation: http://127.0.0.1:1/canary",
                "text/html",
                page,
            ),
            "redirect",
        ),
        (
            respond(
                "307 Temporary Redirect\r\nLocation: /canary",
                "application/json",
                "{}",
            ),
            "redirect",
        ),
        (
            ok(&json!({"access_token": "canary", "token_type": "mac"})),
            "not a bearer token",
        ),
        (ok(&json!({"access_token": "canary\u{e9}"})), "characters"),
        (ok(&json!({"token": "canary"})), "no access token"),
        (
            respond("200 OK", "application/json", &long),
            "longer than 65536 bytes",
        ),
        ("canary, this is not http\r\n\r\n".to_owned(), "broke off"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"access_token\": \"canary".to_owned(),
            "broke off",
        ),
        (String::new(), "broke off"),
    ] {
        let endpoint = TokenEndpoint::start(move |_, _| answer.clone());
        fails(&hears(&server, &endpoint), 1008, says);
        // A code is good for one exchange, and no redirect was followed.
        assert_eq!(endpoint.calls().len(), 1, "{says}");
    }
    assert!(!server.log().contains("canary"));
}

#[test]
fn a_silent_endpoint_is_not_waited_for_longer_than_set() {
    let env = TestEnv::new();
    let server = TestServer::start_with(
        &env,
        &["--allow-insecure-token-endpoint", "--token-endpoint-timeout", "1"],
    );
    let endpoint = TokenEndpoint::start(|_, _| {
        loop {
            std::thread::park();
        }
    });
    fails(&hears(&server, &endpoint), 1008, "did not answer within 1 s");
}

#[test]
fn nobody_listens() {
    let env = TestEnv::new();
    let server = serve(&env);
    // A port that was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let (mut agent, mut bob) = agent_and_bob(&server);
    let client = client(&format!("http://{free}/token"));
    agent.ask(tool::REQUEST_OAUTH, content(&asking(&client, &bob.id)));
    sign_in(&mut bob, "code");
    fails(
        &answer(&mut agent),
        1008,
        "could not reach the token endpoint 127.0.0.1",
    );
}

#[test]
fn basic_is_tried_first_and_what_worked_is_remembered() {
    let env = TestEnv::new();
    let server = serve(&env);
    let endpoint = TokenEndpoint::start(|number, call| {
        if call.basic.is_some() || call.form["client_secret"] != "s:/+% \u{7e}" {
            let body = json!({"error": "invalid_client"});
            return respond("401 Unauthorized", "application/json", &body.to_string());
        }
        ok(&json!({"access_token": format!("canary-access-{number}")}))
    });
    let (mut agent, mut bob) = agent_and_bob(&server);
    let mut client = client(&endpoint.url());
    client["client_secret"] = json!("s:/+% ~");
    assert_eq!(obtain(&mut agent, &mut bob, &client).unwrap(), "canary-access-2");
    let calls = endpoint.calls();
    assert_eq!(calls[0].basic.as_deref(), Some("client:s%3A%2F%2B%25+%7E"));
    assert_eq!(calls[0].form["code"], calls[1].form["code"]);
    client["scopes"] = json!(["other"]);
    assert_eq!(obtain(&mut agent, &mut bob, &client).unwrap(), "canary-access-3");
    // A secret that is wrong either way is an error, after both.
    client["client_secret"] = json!("wrong");
    client["scopes"] = json!(["third"]);
    agent.ask(tool::REQUEST_OAUTH, content(&asking(&client, &bob.id)));
    sign_in(&mut bob, "code");
    fails(&answer(&mut agent), 1008, "invalid_client");
    assert_eq!(endpoint.calls().len(), 5);
}

#[test]
fn what_is_not_public_is_not_called_unless_allowed() {
    let env = TestEnv::new();
    let endpoint = TokenEndpoint::start(numbered(3600));
    let port = endpoint.url().rsplit_once(':').unwrap().1.to_owned();
    let server = TestServer::start(&env);
    let (mut agent, mut bob) = agent_and_bob(&server);
    for (url, says) in [
        (endpoint.url(), "not encrypted"),
        (format!("http://localhost:{port}"), "not encrypted"),
        (format!("https://127.0.0.1:{port}"), "no public address"),
        (format!("https://[::1]:{port}"), "no public address"),
        (format!("https://2130706433:{port}"), "no public address"),
    ] {
        let asked = agent.call(tool::REQUEST_OAUTH, content(&asking(&client(&url), &bob.id)));
        fails(&asked, 1002, says);
    }
    // A name tells what it leads to when it is resolved: after the sign-in, before the call.
    let named = client(&format!("https://localhost:{port}"));
    agent.ask(tool::REQUEST_OAUTH, content(&asking(&named, &bob.id)));
    sign_in(&mut bob, "code");
    fails(&answer(&mut agent), 1002, "no public address");
    assert!(endpoint.calls().is_empty());
    server.stop();

    let server = TestServer::start_with(&env, &["--allow-private-token-endpoint"]);
    let (mut agent, mut bob) = agent_and_bob(&server);
    let unencrypted = asking(&client(&endpoint.url()), &bob.id);
    fails(
        &agent.call(tool::REQUEST_OAUTH, content(&unencrypted)),
        1002,
        "not encrypted",
    );
    // Now it is called, and this one does not speak TLS.
    let plain =
        FakeServer::start(|_, mut stream| drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")));
    let named = client(&plain.url().replace("http://127.0.0.1", "https://localhost"));
    agent.ask(tool::REQUEST_OAUTH, content(&asking(&named, &bob.id)));
    sign_in(&mut bob, "code");
    fails(&answer(&mut agent), 1008, "TLS");
    assert_eq!(plain.connections(), 1);
}

#[test]
fn an_encrypted_endpoint_is_called_if_its_certificate_is_trusted_and_its_own() {
    let env = TestEnv::new();
    let authority = Authority::new();
    let trusted = env.write("trusted.pem", authority.pem());
    let trusted = [("SSL_CERT_FILE", trusted.to_str().unwrap())];
    let other = env.write("other.pem", Authority::new().pem());
    let other = [("SSL_CERT_FILE", other.to_str().unwrap())];
    for (name, variables, good) in [
        ("localhost", trusted, true),
        ("other.example", trusted, false),
        ("localhost", other, false),
    ] {
        let endpoint = TokenEndpoint::start_tls(authority.server(name), numbered(3600));
        let flags = ["--allow-private-token-endpoint"];
        let server = TestServer::start_with_variables(&env, &flags, &variables);
        let (mut agent, mut bob) = agent_and_bob(&server);
        let client = client(&endpoint.https_url());
        agent.ask(tool::REQUEST_OAUTH, content(&asking(&client, &bob.id)));
        sign_in(&mut bob, "code");
        let answer = answer(&mut agent);
        if good {
            assert_eq!(token(answer).unwrap(), "canary-access-1");
        } else {
            fails(&answer, 1008, "TLS");
        }
        assert_eq!(endpoint.calls().len(), usize::from(good));
        server.stop();
    }
}

#[test]
fn no_proxy_is_asked() {
    let env = TestEnv::new();
    let proxy = TokenEndpoint::start(numbered(3600));
    let endpoint = TokenEndpoint::start(numbered(3600));
    let server = TestServer::start_with_variables(
        &env,
        &["--allow-insecure-token-endpoint"],
        &[
            ("HTTP_PROXY", &proxy.url()),
            ("http_proxy", &proxy.url()),
            ("ALL_PROXY", &proxy.url()),
        ],
    );
    let (mut agent, mut bob) = agent_and_bob(&server);
    assert!(obtain(&mut agent, &mut bob, &client(&endpoint.url())).is_some());
    assert!(proxy.calls().is_empty());
}
