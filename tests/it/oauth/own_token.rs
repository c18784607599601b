//! `room secret oauth` for oneself: asked and signed in by one process.

use std::net::TcpListener;

use super::*;
use crate::request_provide::ended;
use crate::secrecy::is_clean;
use crate::support::{Browser, Terminal, Visit, Way};

#[test]
fn one_signs_in_once_and_the_room_has_the_token() {
    let env = TestEnv::new();
    let Stage {
        server,
        endpoint,
        browser,
    } = Stage::new(&env);
    let bob = server.with_token("bob", "room");
    let flags = ["--scopes", "read,write", "--scopes", "write admin", "-vvv"];
    oauth(&bob, &endpoint, &["--offline"])
        .run()
        .refuses(3)
        .says("without --offline");
    let child = opening(&browser, oauth(&bob, &endpoint, &flags)).spawn();
    let visit = browser.opens();
    assert!(visit.url.as_str().starts_with(AUTHORIZE), "{}", visit.url);
    assert_eq!(visit.parameter("client_id"), "client");
    assert_eq!(visit.parameter("scope"), "read write admin");
    assert_eq!(visit.parameter("code_challenge_method"), "S256");
    assert!(visit.parameter("redirect_uri").starts_with("http://127.0.0.1:"));
    for query in [
        "code=evil",
        "code=evil&state=x",
        "error=access_denied&state=x",
        "code=a&code=b&state=S",
    ] {
        assert_eq!(visit.comes_back(query).status, 400, "{query}");
    }
    let page = visit.page("code=canary-code&state=S");
    assert!(page.contains("You are signed in"), "{page}");
    let ran = ended(child).succeeds();
    assert_eq!(ran.out(), "canary-access-1");
    let secrets = ["canary-code", "canary-access-1", "canary-refresh-1"];
    is_clean("stderr", &ran.stderr, &secrets);
    is_clean("the log", server.log().as_bytes(), &secrets);
    let inherited = browser.environment();
    assert!(
        inherited.contains("HOME=") && !inherited.contains("MESHAGENT_TOKEN"),
        "{inherited}"
    );

    let [call] = &endpoint.calls()[..] else {
        panic!("one exchange")
    };
    assert_eq!(call.form["code"], "canary-code");
    assert_eq!(call.form["redirect_uri"], visit.parameter("redirect_uri"));
    assert_eq!(challenge_of(call), visit.parameter("code_challenge"));
    // From now on nobody is asked, for fewer scopes too.
    for flags in [
        &flags[..],
        &[],
        &["--offline", "--delegated-by", "bob"],
        &["--no-browser", "--scopes", "read"],
    ] {
        let ran = opening(&browser, oauth(&bob, &endpoint, flags)).run().succeeds();
        assert_eq!(ran.out(), "canary-access-1");
    }
    let other = oauth(&bob, &endpoint, &["--offline", "--delegated-by", "ada"]);
    other.run().refuses(3);
    assert!(!browser.was_opened());
    assert_eq!(endpoint.calls().len(), 1);
    let out = oauth(&bob, &endpoint, &["--out", "token"]).run().succeeds();
    assert_eq!((out.out(), env.files().contains(&"token".to_owned())), ("", true));
}

#[test]
fn on_this_machine_without_a_server() {
    let env = TestEnv::new();
    let endpoint = TokenEndpoint::start(numbered(0));
    let browser = Browser::new(&env);
    let local = |way: &Way<'_>, flags: &[&str]| {
        let call = opening(&browser, oauth(way, &endpoint, flags));
        call.env("MESHAGENT_ALLOW_INSECURE_TOKEN_ENDPOINT", "1")
    };
    let (bob, carol) = (env.local_as("bob"), env.local_as("carol"));
    let child = local(&bob, &["--delegate-to", "carol"]).spawn();
    browser.opens().page("code=c&state=S");
    assert_eq!(ended(child).succeeds().out(), "canary-access-1");
    // Refreshed by another process.
    for (way, token) in [(&bob, "canary-access-2"), (&carol, "canary-access-3")] {
        assert_eq!(local(way, &["--offline"]).run().succeeds().out(), token);
    }
    // Others cannot be asked there, and the endpoint needs to be allowed.
    local(&bob, &["--from", "ada"])
        .run()
        .refuses(1)
        .says("no server runs");
    let call = opening(&browser, oauth(&bob, &endpoint, &[]));
    call.run().ends_with(2).says("not encrypted");
    assert_eq!(endpoint.calls().len(), 3);
}

#[test]
fn a_redirect_uri_is_honoured_to_the_letter() {
    let env = TestEnv::new();
    let Stage {
        server,
        endpoint,
        browser,
    } = Stage::new(&env);
    let bob = server.with_token("bob", "room");
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    for (client, given, used) in [
        ("a", format!("http://127.0.0.1:{port}/my/cb"), None),
        ("b", "http://127.0.0.1/my/cb".to_owned(), Some("/my/cb")),
    ] {
        let flags = ["--client-id", client, "--redirect-uri", &given];
        let child = opening(&browser, client_oauth(&bob, &endpoint, &flags)).spawn();
        let visit = browser.opens();
        let redirect_uri = visit.parameter("redirect_uri");
        match used {
            None => assert_eq!(redirect_uri, given),
            Some(path) => assert!(
                redirect_uri.ends_with(path) && redirect_uri != given,
                "{redirect_uri}"
            ),
        }
        visit.page("code=c&state=S");
        ended(child).succeeds();
        assert_eq!(
            endpoint.calls().last().unwrap().form["redirect_uri"],
            redirect_uri
        );
    }
}

#[test]
fn without_pkce_there_is_no_challenge() {
    let env = TestEnv::new();
    let Stage {
        server,
        endpoint,
        browser,
    } = Stage::new(&env);
    let bob = server.with_token("bob", "room");
    let child = opening(&browser, oauth(&bob, &endpoint, &["--no-pkce"])).spawn();
    let visit = browser.opens();
    assert!(visit.find("code_challenge").is_none());
    visit.page("code=c&state=S");
    ended(child).succeeds();
    assert!(!endpoint.calls()[0].form.contains_key("code_verifier"));
}

#[test]
fn refused_at_the_provider() {
    let env = TestEnv::new();
    let Stage {
        server,
        endpoint,
        browser,
    } = Stage::new(&env);
    let bob = server.with_token("bob", "room");
    let child = opening(&browser, oauth(&bob, &endpoint, &[])).spawn();
    let page = browser
        .opens()
        .page("error=access_denied&error_description=She+said+no&state=S");
    assert!(page.contains("Access was not granted"), "{page}");
    ended(child)
        .ends_with(5)
        .says("refused at the OAuth provider: access_denied (She said no)");
    assert!(endpoint.calls().is_empty());
}

#[test]
fn refused_at_the_token_endpoint() {
    let env = TestEnv::new();
    let server = serve(&env);
    let endpoint = TokenEndpoint::start(|_, _| refused("invalid_grant"));
    let browser = Browser::new(&env);
    let bob = server.with_token("bob", "room");
    let child = opening(&browser, oauth(&bob, &endpoint, &[])).spawn();
    let page = browser.opens().page("code=c&state=S");
    assert!(page.contains("The sign-in did not work"), "{page}");
    let ran = ended(child)
        .ends_with(1)
        .says("error: there is no token: ")
        .says("invalid_grant");
    is_clean("stderr", &ran.stderr, &["canary-description"]);
}

#[test]
fn an_issuer_that_was_not_asked() {
    let env = TestEnv::new();
    let Stage {
        server,
        endpoint,
        browser,
    } = Stage::new(&env);
    let bob = server.with_token("bob", "room");
    let child = opening(&browser, oauth(&bob, &endpoint, &[])).spawn();
    browser
        .opens()
        .page("code=c&state=S&iss=https%3A%2F%2Fevil.example");
    ended(child).ends_with(1).says("another issuer");
    assert!(endpoint.calls().is_empty());
}

#[test]
fn who_closes_the_tab_lets_the_time_pass() {
    let env = TestEnv::new();
    let Stage {
        server,
        endpoint,
        browser,
    } = Stage::new(&env);
    let bob = server.with_token("bob", "room");
    let ran = opening(&browser, oauth(&bob, &endpoint, &["--timeout", "1"])).run();
    ran.ends_with(6).says("error: nobody signed in within 1s");
}

#[test]
fn a_browser_that_cannot_be_started_and_a_port_that_is_taken() {
    let env = TestEnv::new();
    let server = serve(&env);
    let endpoint = TokenEndpoint::start(numbered(3600));
    let bob = server.with_token("bob", "room");
    for browser in ["/nonexistent/browser", "false"] {
        let call = oauth(&bob, &endpoint, &["--timeout", "1"]).env("BROWSER", browser);
        call.run().ends_with(6).says("warning: ").says(AUTHORIZE);
    }
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port();
    let uri = format!("http://127.0.0.1:{port}/cb");
    let taken = || {
        oauth(&bob, &endpoint, &["--redirect-uri", &uri])
            .env("BROWSER", "true")
            .run()
    };
    taken().refuses(1).says(&format!("port {port} is taken"));
    let elsewhere = oauth(&bob, &endpoint, &["--redirect-uri", "https://app.example/cb"]);
    elsewhere
        .run()
        .refuses(2)
        .says("does not lead back to this machine");
    // What the room has needs no port.
    let browser = Browser::new(&env);
    let child = opening(&browser, oauth(&bob, &endpoint, &[])).spawn();
    browser.opens().page("code=c&state=S");
    ended(child).succeeds();
    assert_eq!(taken().succeeds().out(), "canary-access-1");
}

#[test]
fn a_grant_that_does_not_list_the_client() {
    let env = TestEnv::new();
    let server = serve(&env);
    let endpoint = TokenEndpoint::start(numbered(3600));
    let spec = env.write(
        "token.yaml",
        "kind: ParticipantToken\nversion: v1\nidentity: bob\nroom: room\napi:\n  secrets:\n    request_oauth_token: []\n",
    );
    let limited = server.token_with(&["--input", spec.to_str().unwrap()], &[]);
    let bob = server.with_this_token(&limited, "room");
    for flags in [&["--offline"][..], &[]] {
        oauth(&bob, &endpoint, flags)
            .run()
            .refuses(4)
            .says("does not list this client");
    }
}

#[test]
fn the_address_is_printed_and_what_it_ends_on_is_pasted() {
    let env = TestEnv::new();
    let server = serve(&env);
    let endpoint = TokenEndpoint::start(numbered(3600));
    let bob = server.with_token("bob", "room");
    let uri = "https://app.example/cb";
    let mut terminal = Terminal::run(oauth(&bob, &endpoint, &["--no-browser", "--redirect-uri", uri]));
    terminal.shows("sign in:\r\n\r\n  ");
    let visit = Visit::new(&terminal.shows("\r\n"));
    terminal.shows("(it is not shown): ");
    terminal.hides();
    terminal.types("https://evil.example/cb?code=canary-code&state=x\r");
    terminal.shows("not the address");
    terminal.shows("(it is not shown): ");
    terminal.types(&format!("{}\r", visit.callback("code=canary-code&state=S")));
    let shown = terminal.shows("canary-access-1\r\n");
    let screen = terminal.ends();
    assert_eq!((screen.code, screen.echo), (0, true), "{screen:?}");
    is_clean(
        "the terminal",
        shown.as_bytes(),
        &["canary-code", &visit.parameter("state")],
    );
    assert_eq!(endpoint.calls()[0].form["redirect_uri"], uri);
    assert_eq!(endpoint.calls()[0].form["code"], "canary-code");
}

/// Beyond the second after which other commands show a line that moves.
#[test]
fn nothing_is_written_over_the_prompt() {
    let env = TestEnv::new();
    let server = serve(&env);
    let endpoint = TokenEndpoint::start(numbered(3600));
    let bob = server.with_token("bob", "room");
    let mut terminal = Terminal::run(oauth(&bob, &endpoint, &["--no-browser", "--timeout", "2"]));
    terminal.shows("(it is not shown): ");
    let screen = terminal.ends();
    assert_eq!(screen.code, 6);
    assert!(!screen.text.contains("Waiting for room"), "{screen:?}");
}

#[test]
fn without_a_browser_and_a_terminal_it_fails_at_once_unless_the_room_has_a_token() {
    let env = TestEnv::new();
    let server = serve(&env);
    let endpoint = TokenEndpoint::start(numbered(3600));
    let bob = server.with_token("bob", "room");
    oauth(&bob, &endpoint, &[])
        .run()
        .refuses(4)
        .says("nobody can sign in here")
        .says("--offline");
    let browser = Browser::new(&env);
    let child = opening(&browser, oauth(&bob, &endpoint, &[])).spawn();
    browser.opens().page("code=c&state=S");
    ended(child).succeeds();
    let ran = oauth(&bob, &endpoint, &[]).run().succeeds();
    assert_eq!(ran.out(), "canary-access-1");
}

#[test]
fn a_paste_that_is_no_callback_is_asked_for_again() {
    let env = TestEnv::new();
    let server = serve(&env);
    let endpoint = TokenEndpoint::start(numbered(3600));
    let bob = server.with_token("bob", "room");
    let mut terminal = Terminal::run(oauth(&bob, &endpoint, &["--no-browser"]));
    for text in ["git push origin", "https://github.com/example"] {
        terminal.shows("(it is not shown): ");
        terminal.types(&format!("{text}\n"));
        terminal.shows("try again");
    }
    terminal.shows("(it is not shown): ");
    terminal.types("\x04");
    assert_eq!(terminal.ends().code, 1);
}

#[test]
fn who_does_not_want_to_any_more_ends_it() {
    let env = TestEnv::new();
    let server = serve(&env);
    let endpoint = TokenEndpoint::start(numbered(3600));
    let bob = server.with_token("bob", "room");
    for (key, code) in [("\x04", 1), ("\x03", 130)] {
        let mut terminal = Terminal::run(oauth(&bob, &endpoint, &["--no-browser"]));
        terminal.shows("(it is not shown): ");
        terminal.types(key);
        let screen = terminal.ends();
        assert_eq!((screen.code, screen.echo), (code, true), "{screen:?}");
    }
}
