//! `room secret oauth --from`, and `provide`, whose rules say whether to sign in.

use std::net::{TcpListener, TcpStream};

use rustix::process::Signal;

use super::*;
use crate::request_provide::ended;
use crate::secrecy::is_clean;
use crate::support::{Provider, signal};

/// A rule that allows the client of these tests, whose token endpoint is on this machine.
pub(super) const RULES: &str = r#"
    [[rule]]
    kind = "oauth"
    client_id = "cli*"
    host = ["provider.example", "127.0.0.1"]
    port = "*"
    scopes = ["read", "write"]
    allow_http = true
    authorize = true
"#;

/// A participant called bob that answers by `rules.toml`, with this browser.
fn bob(server: &TestServer<'_>, browser: &Browser<'_>, flags: &[&str]) -> Provider {
    let call = server
        .with_token("bob", "room")
        .secret(["provide", "--rules", "rules.toml"]);
    Provider::run(opening(browser, call).args(flags))
}

/// `oauth` of the agent's, from bob.
fn asks(server: &TestServer<'_>, endpoint: &TokenEndpoint, flags: &[&str]) -> Call {
    oauth(&server.with_token("agent", "room"), endpoint, &["--from", "bob"]).args(flags)
}

#[test]
fn a_rule_signs_in_and_the_room_has_the_token() {
    let env = TestEnv::new();
    env.write("rules.toml", RULES);
    env.write("secret", "canary-client-secret");
    let Stage {
        server,
        endpoint,
        browser,
    } = Stage::new(&env);
    let mut bob = bob(&server, &browser, &["-vvv"]);
    let flags = ["--client-secret", "@secret", "--scopes", "read", "-vvv"];
    let child = asks(&server, &endpoint, &flags).spawn();
    let visit = browser.opens();
    assert_eq!(
        (visit.parameter("client_id"), visit.parameter("scope")),
        ("client".into(), "read".into())
    );
    assert!(
        visit
            .page("code=canary-code&state=S")
            .contains("You are signed in")
    );
    let ran = ended(child)
        .succeeds()
        .says("Waiting for bob to sign in for client client (up to 5m).");
    assert_eq!(ran.out(), "canary-access-1");
    bob.says("agent asks for an authorization for client client: signing in, by rule 1.");
    bob.says("agent asked for an authorization for client client: signed in, by rule 1.");
    // It is there for both, and nobody is asked again.
    for identity in ["agent", "bob"] {
        let ran = oauth(
            &server.with_token(identity, "room"),
            &endpoint,
            &["--offline", "--scopes", "read"],
        )
        .run();
        assert_eq!(ran.succeeds().out(), "canary-access-1");
    }
    assert_eq!(
        asks(&server, &endpoint, &["--scopes", "read"])
            .run()
            .succeeds()
            .out(),
        "canary-access-1"
    );
    let by = |name| ["--offline", "--delegated-to", "agent", "--delegated-by", name];
    let agent = server.with_token("agent", "room");
    oauth(&agent, &endpoint, &by("bob")).run().succeeds();
    oauth(&agent, &endpoint, &by("agent")).run().refuses(3);
    let said = bob.stop().join("\n");
    let secrets = [
        "canary-client-secret",
        "canary-code",
        "canary-access-1",
        "canary-refresh-1",
    ];
    for (what, text) in [
        ("provide", said.as_bytes()),
        ("oauth", &ran.stderr),
        ("the log", server.log().as_bytes()),
    ] {
        is_clean(what, text, &secrets);
    }
    is_clean("the browser", browser.environment().as_bytes(), &secrets);
    assert_eq!(endpoint.calls().len(), 1);
}

#[test]
fn what_no_rule_allows_is_rejected_at_once_and_no_browser_opens() {
    let env = TestEnv::new();
    env.write(
        "rules.toml",
        "[[rule]]\nkind = \"oauth\"\nclient_id = \"client\"\nhost = \"provider.example\"\nauthorize = true\n\
         [[rule]]\nkind = \"oauth\"\nclient_id = \"evil\"\nreject = \"never\"\n\
         [[rule]]\nkind = \"oauth\"\nclient_id = \"careful\"\nask = true\n",
    );
    let Stage {
        server,
        endpoint,
        browser,
    } = Stage::new(&env);
    let bob = bob(&server, &browser, &[]);
    let agent = server.with_token("agent", "room");
    for (client, told) in [
        // The token endpoint is elsewhere.
        ("client", "nobody is there to ask"),
        ("evil", "the participant rejected the request: never"),
        ("careful", "nobody is there to ask"),
        ("other", "nobody is there to ask"),
    ] {
        let call = client_oauth(
            &agent,
            &endpoint,
            &["--client-id", client, "--from", "bob", "--quiet"],
        );
        call.run().refuses(5).says(told);
    }
    assert!(!browser.was_opened() && endpoint.calls().is_empty());
    let said = bob.stop();
    assert!(
        said.iter()
            .any(|line| line.ends_with("for client evil: rejected, by rule 2.")),
        "{said:?}"
    );
}

/// What a rule does not name is not what it says yes to: scopes, ports, plain http, no PKCE, a query.
#[test]
fn a_yes_is_for_what_the_rule_names_and_the_log_says_what_it_does_not() {
    let env = TestEnv::new();
    let rule = |client: &str, more: &str| {
        format!(
            "[[rule]]\nkind = \"oauth\"\nclient_id = \"{client}\"\nhost = \"**\"\nauthorize = true\n{more}\n"
        )
    };
    let rules = [
        rule("client", "port = \"*\"\nallow_http = true\nscopes = \"read\""),
        rule("encrypted", "port = \"*\""),
        rule("default-port", "allow_http = true"),
        rule("tenant", "port = \"*\"\nallow_http = true"),
    ];
    env.write("rules.toml", rules.concat());
    let Stage {
        server,
        endpoint,
        browser,
    } = Stage::new(&env);
    let mut bob = bob(&server, &browser, &["-v"]);
    let agent = server.with_token("agent", "room");
    let url = endpoint.url();
    let asks = |client: &str, authorize: &str, flags: &[&str]| {
        let call = agent.secret(["oauth", "--from", "bob", "--quiet", "--token-endpoint", &url]);
        call.args(["--client-id", client, "--authorization-endpoint", authorize])
            .args(flags)
    };
    for (client, authorize, flags, why) in [
        (
            "client",
            AUTHORIZE,
            &["--scopes", "read,delete_repo"][..],
            "rule 1 does not match: scope delete_repo is not named by `scopes`",
        ),
        (
            "client",
            AUTHORIZE,
            &["--scopes", "read", "--no-pkce"],
            "rule 1 does not match: the request leaves PKCE out",
        ),
        (
            "encrypted",
            AUTHORIZE,
            &[],
            "rule 2 does not match: 127.0.0.1 is asked over plain http",
        ),
        ("default-port", AUTHORIZE, &[], "is not named by `port`"),
        (
            "tenant",
            "https://provider.example/authorize?user_scope=admin",
            &[],
            "rule 4 does not match: user_scope=admin is not named by `query`",
        ),
    ] {
        let ran = asks(client, authorize, flags).run().refuses(5);
        ran.says("nobody is there to ask");
        bob.says(why);
    }
    assert!(!browser.was_opened() && endpoint.calls().is_empty());
    let child = asks("client", AUTHORIZE, &["--scopes", "read"]).spawn();
    browser.opens().page("code=c&state=S");
    ended(child).succeeds();
    bob.stop();
}

#[test]
fn a_delegate_must_be_named_by_the_rule() {
    let env = TestEnv::new();
    env.write("rules.toml", RULES);
    let Stage {
        server,
        endpoint,
        browser,
    } = Stage::new(&env);
    let bob = bob(&server, &browser, &[]);
    asks(&server, &endpoint, &["--delegate-to", "eve", "--quiet"])
        .run()
        .refuses(5);
    let child = asks(&server, &endpoint, &["--delegate-to", "agent"]).spawn();
    browser.opens().page("code=c&state=S");
    ended(child).succeeds();
    bob.stop();
}

#[test]
fn a_refusal_at_the_provider_is_told_with_its_code() {
    let env = TestEnv::new();
    env.write("rules.toml", RULES);
    let Stage {
        server,
        endpoint,
        browser,
    } = Stage::new(&env);
    let mut bob = bob(&server, &browser, &["--once"]);
    let child = asks(&server, &endpoint, &["--quiet"]).spawn();
    let page = browser
        .opens()
        .page("error=access_denied&error_description=canary-description&state=S");
    assert!(page.contains("Access was not granted"), "{page}");
    let ran = ended(child)
        .fails(5)
        .says("the participant rejected the request: access_denied");
    is_clean("stderr", &ran.stderr, &["canary\u{0}canary"]);
    bob.says("rejected, at the OAuth provider.");
    let (output, said) = bob.ends();
    assert!(output.status.success(), "{said:?}");
}

#[test]
fn what_goes_wrong_here_is_heard_there_and_told_here() {
    let env = TestEnv::new();
    env.write("rules.toml", RULES);
    let Stage {
        server,
        endpoint,
        browser,
    } = Stage::new(&env);
    let mut bob = bob(&server, &browser, &[]);
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port();
    for (uri, why) in [
        (
            format!("http://127.0.0.1:{port}/cb"),
            format!("port {port} is taken"),
        ),
        (
            "https://app.example/cb".to_owned(),
            "no terminal to paste".to_owned(),
        ),
    ] {
        let ran = asks(&server, &endpoint, &["--quiet", "--redirect-uri", &uri])
            .run()
            .refuses(5);
        ran.says("the participant could not sign in");
        bob.says(&why);
    }
    assert!(!browser.was_opened());
    bob.stop();
}

#[test]
fn who_does_not_wait_any_more_takes_the_request_back() {
    let env = TestEnv::new();
    env.write("rules.toml", RULES);
    let Stage {
        server,
        endpoint,
        browser,
    } = Stage::new(&env);
    let mut bob = bob(&server, &browser, &["--once"]);
    let child = asks(&server, &endpoint, &["--quiet"]).spawn();
    let late = browser.opens();
    signal(&child, Signal::INT);
    ended(child).ends_with(130);
    bob.says("taken back, the other side does not wait any more.");
    // Nobody is where the browser comes back to.
    let address = url::Url::parse(&late.parameter("redirect_uri")).unwrap();
    assert!(TcpStream::connect(address.socket_addrs(|| None).unwrap()[0]).is_err());
    // The next one is signed in for.
    let child = asks(&server, &endpoint, &[]).spawn();
    browser.opens().page("code=c&state=S");
    ended(child).succeeds();
    let (output, said) = bob.ends();
    assert!(output.status.success(), "{said:?}");
}

#[test]
fn several_are_signed_in_for_at_the_same_time() {
    let env = TestEnv::new();
    env.write("rules.toml", RULES);
    let server = serve(&env);
    let endpoint = TokenEndpoint::start(|_, call| {
        ok(&json!({"access_token": format!("token of {}", call.form["code"]), "token_type": "Bearer"}))
    });
    let browser = Browser::new(&env);
    let bob = bob(&server, &browser, &[]);
    let agent = server.with_token("agent", "room");
    let started = ["client-1", "client-2", "client-3"].map(|client| {
        let call = client_oauth(&agent, &endpoint, &["--client-id", client, "--from", "bob"]);
        let child = call.spawn();
        (client, child, browser.opens())
    });
    for (client, child, visit) in started.into_iter().rev() {
        assert_eq!(visit.parameter("client_id"), client);
        visit.page(&format!("code={client}&state=S"));
        assert_eq!(ended(child).succeeds().out(), format!("token of {client}"));
    }
    bob.stop();
}

#[test]
fn there_is_nobody_of_that_name() {
    let env = TestEnv::new();
    let server = serve(&env);
    let endpoint = TokenEndpoint::start(numbered(3600));
    asks(&server, &endpoint, &["--quiet"])
        .run()
        .refuses(3)
        .says("no participant `bob`");
    let agent = server.with_token("agent", "room");
    let call = oauth(&agent, &endpoint, &["--from-participant-id", "gone", "--quiet"]);
    call.run().refuses(3).says("no participant `gone`");
}

/// A request without a challenge, or of a connector: a server of others may send one.
#[test]
fn a_request_that_nobody_can_sign_in_for_is_rejected() {
    let env = TestEnv::new();
    env.write("rules.toml", RULES);
    let Stage {
        server,
        endpoint,
        browser,
    } = Stage::new(&env);
    let mut bob = bob(&server, &browser, &[]);
    let mut agent = join(&server, "agent");
    let mut request = asking(&client(&endpoint.url()), &bob.id);
    request["redirect_uri"] = json!("http://127.0.0.1:7/#x");
    agent.ask(tool::REQUEST_OAUTH, content(&request));
    let Content::Rejected { text } = answer(&mut agent) else {
        panic!("not rejected")
    };
    assert!(text.ends_with("the participant could not sign in"), "{text}");
    bob.says("the redirect URI has a fragment");
    bob.stop();
}
