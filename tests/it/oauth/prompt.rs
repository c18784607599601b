//! `provide` at a terminal, asked to sign in: nothing is opened before the person says yes.

use rustix::process::Signal;

use super::*;
use crate::request_provide::ended;
use crate::secrecy::is_clean;
use crate::support::{Screen, Terminal, Visit, signal};

const CHOICE: &str = "agent: sign in, reject or ignore? [s/r/i] ";
const PASTE: &str = "Paste the address (it is not shown): ";

/// Bob at a terminal, in the room.
fn at_terminal(call: Call) -> Terminal {
    let mut terminal = Terminal::run(call.arg("--color=never"));
    terminal.shows("--url URL\r\n");
    terminal
}

fn bob(server: &TestServer<'_>, flags: &[&str]) -> Call {
    server.with_token("bob", "room").secret(["provide"]).args(flags)
}

fn asks(server: &TestServer<'_>, endpoint: &TokenEndpoint, flags: &[&str]) -> std::process::Child {
    let agent = server.with_token("agent", "room");
    oauth(&agent, endpoint, &["--from", "bob", "--quiet"])
        .args(flags)
        .spawn()
}

#[test]
fn it_shows_who_asks_for_what_and_opens_the_browser_after_a_yes() {
    let env = TestEnv::new();
    let Stage {
        server,
        endpoint,
        browser,
    } = Stage::new(&env);
    let mut bob = at_terminal(opening(&browser, bob(&server, &["--once"])));
    let flags = [
        "--scopes",
        "read write",
        "--delegate-to",
        "c\u{200b}arol",
        "--client-secret",
        "canary-secret",
    ];
    let agent = asks(&server, &endpoint, &flags);
    let shown = bob.shows(CHOICE);
    let tokens = endpoint.url();
    let tokens = tokens.split('/').nth(2).unwrap();
    for line in [
        "\x07agent asks for an OAuth authorization.\r\n",
        "  client    client\r\n",
        "  sign-in   provider.example\r\n",
        &format!(
            "  tokens    {tokens} (another host than the sign-in, not the usual port, not encrypted)\r\n"
        ),
        "  scopes    read write\r\n",
        "  delegate  c\\u{200b}arol, who may",
        " UTC (in ",
    ] {
        assert!(shown.contains(line), "{line:?} {shown:?}");
    }
    assert!(!shown.contains("canary") && !shown.contains("http"), "{shown:?}");
    for no in ["x\r", "secret\r", "\r", "\x04"] {
        bob.types(no);
        bob.shows("Type s, r or i, and Enter.");
        bob.shows(CHOICE);
    }
    assert!(!browser.was_opened());
    bob.types("s\r");
    let visit = browser.opens();
    bob.shows("Your browser opens, for you to sign in.");
    bob.shows(PASTE);
    assert!(
        visit
            .page("code=canary-code&state=S")
            .contains("You are signed in")
    );
    bob.shows(
        "agent asked for an authorization for client client, for c\\u{200b}arol: signed in, by you.\r\n",
    );
    assert_eq!(ended(agent).succeeds().out(), "canary-access-1");
    let Screen { code, echo, text, .. } = bob.ends();
    assert_eq!((code, echo), (0, true), "{text}");
}

#[test]
fn what_deserves_care_is_in_colour() {
    let env = TestEnv::new();
    let server = serve(&env);
    let endpoint = TokenEndpoint::start(numbered(3600));
    let mut bob = Terminal::run(bob(&server, &["--no-browser", "--color=always"]));
    bob.shows("--url URL\r\n");
    let agent = asks(&server, &endpoint, &["--no-pkce"]);
    let shown = bob.shows(CHOICE);
    assert!(shown.contains("sign-in   provider.example\r\n"), "{shown:?}");
    assert!(shown.contains("tokens    \x1b[33m127.0.0.1:"), "{shown:?}");
    assert!(shown.contains("note      \x1b[33mPKCE is left out"), "{shown:?}");
    bob.types("r\r");
    bob.shows("told: ");
    bob.types("\r");
    ended(agent).fails(5);
    bob.types("\x03");
    assert_eq!(bob.ends().code, 130);
}

#[test]
fn without_a_browser_the_address_is_printed_and_pasted() {
    let env = TestEnv::new();
    let server = serve(&env);
    let endpoint = TokenEndpoint::start(numbered(3600));
    let mut bob = at_terminal(bob(&server, &["--oauth", "--no-browser"]));
    for (redirect_uri, whole) in [("https://app.example/cb", true), ("http://127.0.0.1/cb", false)] {
        let agent = asks(&server, &endpoint, &["--redirect-uri", redirect_uri]);
        let shown = bob.shows(CHOICE);
        assert_eq!(
            shown.contains("back to   https://app.example/cb\r\n"),
            whole,
            "{shown}"
        );
        bob.types("s\r");
        bob.shows("Go to this address in a browser, and sign in:\r\n\r\n  ");
        let visit = Visit::new(&bob.shows("\r\n"));
        bob.shows(PASTE);
        bob.hides();
        bob.types("https://app.example/cb?code=canary-code&state=x\r");
        bob.shows("try again\r\n");
        bob.shows(PASTE);
        let pasted = if whole {
            visit.callback("code=canary-code&state=S")
        } else {
            "canary-code".to_owned()
        };
        bob.types(&format!("{pasted}\r"));
        let shown = bob.shows("signed in, by you.\r\n");
        is_clean(
            "the terminal",
            shown.as_bytes(),
            &["canary-code", &visit.parameter("state")],
        );
        ended(agent).succeeds();
        let calls = endpoint.calls();
        let call = calls.last().unwrap();
        assert_eq!(call.form["code"], "canary-code");
        assert_eq!(call.form["redirect_uri"], visit.parameter("redirect_uri"));
        forget(&server);
    }
    bob.types("\x03");
    assert_eq!(bob.ends().code, 130);
}

/// Deletes the one credential that there is.
fn forget(server: &TestServer<'_>) {
    let bob = server.with_token("bob", "room");
    let listed = bob.secret(["list"]).run().succeeds().json();
    let id = listed[0]["id"].as_str().unwrap();
    let to = listed[0]["delegated_to"].as_str().unwrap();
    bob.secret(["delete", "--yes", id, "--delegated-to", to])
        .run()
        .succeeds();
}

#[test]
fn a_person_says_no_or_nothing_or_thinks_better_of_it() {
    let env = TestEnv::new();
    let server = serve(&env);
    let endpoint = TokenEndpoint::start(numbered(3600));
    let mut bob = at_terminal(bob(&server, &["--no-browser"]));
    let agent = asks(&server, &endpoint, &[]);
    bob.shows(CHOICE);
    bob.types("s\r");
    bob.shows(PASTE);
    bob.types("\x04");
    bob.shows("Not signed in: nobody signed in.");
    bob.shows(CHOICE);
    bob.types("r\r");
    bob.shows("Reason, which they are told: ");
    bob.types("not today\r");
    ended(agent).fails(5).says("request: not today");
    // A refusal that is pasted is one.
    let agent = asks(&server, &endpoint, &[]);
    bob.shows(CHOICE);
    bob.types("s\r");
    bob.shows("sign in:\r\n\r\n  ");
    let visit = Visit::new(&bob.shows("\r\n"));
    bob.shows(PASTE);
    bob.types(&format!("{}\r", visit.callback("error=access_denied&state=S")));
    bob.shows("rejected, at the OAuth provider.\r\n");
    ended(agent).fails(5).says("access_denied");
    let agent = asks(&server, &endpoint, &["--timeout", "3"]);
    bob.shows(CHOICE);
    bob.types("i\r");
    bob.shows("ignored.\r\n");
    ended(agent).fails(6);
    bob.types("\x03");
    let screen = bob.ends();
    assert_eq!((screen.code, screen.echo), (130, true), "{screen:?}");
    assert!(endpoint.calls().is_empty());
}

#[test]
fn a_request_that_is_taken_back_while_the_browser_is_open_goes_away() {
    let env = TestEnv::new();
    let Stage {
        server,
        endpoint,
        browser,
    } = Stage::new(&env);
    let mut bob = at_terminal(opening(&browser, bob(&server, &["--once"])));
    let agent = asks(&server, &endpoint, &[]);
    bob.shows(CHOICE);
    bob.types("s\r");
    browser.opens();
    bob.shows(PASTE);
    signal(&agent, Signal::INT);
    ended(agent).ends_with(130);
    bob.shows("taken back, the other side does not wait any more.\r\n");
    let agent = asks(&server, &endpoint, &[]);
    bob.shows(CHOICE);
    bob.types("s\r");
    browser.opens().page("code=c&state=S");
    ended(agent).succeeds();
    assert_eq!(bob.ends().code, 0);
}

#[test]
fn a_rule_signs_in_while_a_question_is_open() {
    let env = TestEnv::new();
    env.write("rules.toml", from_participant::RULES.replace("cli*", "client"));
    let Stage {
        server,
        endpoint,
        browser,
    } = Stage::new(&env);
    let mut bob = at_terminal(opening(&browser, bob(&server, &["--rules", "rules.toml"])));
    let agent = server.with_token("agent", "room");
    let asked = client_oauth(
        &agent,
        &endpoint,
        &["--client-id", "other", "--from", "bob", "--quiet"],
    )
    .spawn();
    bob.shows(CHOICE);
    let by_rule = asks(&server, &endpoint, &[]);
    browser.opens().page("code=c&state=S");
    ended(by_rule).succeeds();
    bob.shows("signed in, by rule 1.\r\n");
    bob.shows(CHOICE);
    bob.types("r\r");
    bob.shows("told: ");
    bob.types("\r");
    ended(asked).fails(5);
    bob.types("\x03");
    assert_eq!(bob.ends().code, 130);
}

#[test]
fn a_rule_on_a_machine_without_a_browser_needs_no_yes_but_a_paste() {
    let env = TestEnv::new();
    env.write("rules.toml", from_participant::RULES.replace("cli*", "client"));
    let server = serve(&env);
    let endpoint = TokenEndpoint::start(numbered(3600));
    let mut bob = at_terminal(bob(&server, &["--rules", "rules.toml", "--once"]));
    let agent = asks(&server, &endpoint, &[]);
    bob.shows("signing in, by rule 1.\r\n");
    bob.shows("sign in:\r\n\r\n  ");
    let visit = Visit::new(&bob.shows("\r\n"));
    bob.shows(PASTE);
    bob.types(&format!("{}\r", visit.callback("code=c&state=S")));
    ended(agent).succeeds();
    assert_eq!(bob.ends().code, 0);
}

#[test]
fn who_is_here_for_oauth_is_not_asked_for_secrets() {
    let env = TestEnv::new();
    let server = serve(&env);
    let mut bob = at_terminal(bob(&server, &["--oauth"]));
    let agent = server.with_token("agent", "room");
    let ran = agent
        .secret(["request", "--from", "bob", "--url", "u", "--quiet"])
        .run();
    ran.refuses(5).says("answers OAuth requests alone");
    bob.shows("rejected, as --oauth has it.\r\n");
    bob.types("\x03");
    assert_eq!(bob.ends().code, 130);
}
