//! Signing in: `meshagent auth login`, through a browser that the test is.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Child;

use meshagent::oauth::PkceVerifier;
use serde_json::json;

use crate::support::{AccountApi, Browser, Call, Screen, Terminal, TestEnv, Visit, ends_soon, now};

/// The turn at the port of the callback, for this test and whatever else runs on this machine: the port is
/// the registered one.
fn turn() -> File {
    let path = std::env::temp_dir().join("meshagent-test-port-8765");
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .unwrap();
    file.lock().unwrap();
    file
}

/// A command that signs in, and the browser that it opened.
struct Login<'a> {
    child: Option<Child>,
    browser: Browser<'a>,
    visit: Visit,
    _turn: File,
}

impl Drop for Login<'_> {
    /// Where the test has failed, the port is not kept from others.
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl<'a> Login<'a> {
    /// Starts it, and waits until the browser is opened.
    fn start(env: &'a TestEnv, call: Call) -> Self {
        let turn = turn();
        let browser = Browser::new(env);
        let child = call.env("BROWSER", &browser.program).spawn();
        let mut login = Self {
            child: Some(child),
            browser,
            visit: Visit::new("about:blank"),
            _turn: turn,
        };
        login.visit = login.browser.opens();
        login
    }

    /// How it ended: its code, and what it said.
    fn ends(mut self) -> (i32, String) {
        let output = ends_soon(self.child.take().unwrap());
        assert_eq!(output.stdout, b"");
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    }
}

#[test]
fn signing_in_with_a_browser() {
    let (env, api) = (TestEnv::new(), AccountApi::generous());
    let call = api
        .call(&env, &["auth", "login"])
        .env("MESHAGENT_TOKEN", "canary-token");
    let login = Login::start(&env, call);
    let expected = format!("{}/oauth/authorize?", api.url());
    assert!(
        login.visit.url.as_str().starts_with(&expected),
        "{}",
        login.visit.url
    );
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "p8xy1ZUi73jJUJbNfTg92HUSDpCSZJcc"),
        ("redirect_uri", "http://localhost:8765/callback"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(login.visit.parameter(name), value);
    }
    assert!(
        login
            .visit
            .parameter("scope")
            .starts_with("profile project/* room/* create_users ")
    );
    let challenge = login.visit.parameter("code_challenge");
    let page = login.visit.page("code=the-code&state=S");
    assert!(page.contains("You are signed in"), "{page}");
    let inherited = login.browser.environment();
    let (code, said) = login.ends();
    assert_eq!(code, 0, "{said}");
    assert!(said.contains(&format!(
        "Signed in at {} as Ada L. <ada@example.com>.",
        api.url()
    )));
    assert!(!said.contains("the-code") && !said.contains("good-1"), "{said}");

    let calls = api.token_calls();
    assert_eq!(calls.len(), 1);
    let form = &calls[0];
    assert_eq!(form["grant_type"], "authorization_code");
    assert_eq!(form["code"], "the-code");
    assert_eq!(form["redirect_uri"], "http://localhost:8765/callback");
    assert_eq!(form["client_id"], "p8xy1ZUi73jJUJbNfTg92HUSDpCSZJcc");
    let verifier = PkceVerifier::from_text(form["code_verifier"].clone().into());
    assert_eq!(verifier.challenge().as_str(), challenge);

    let settings = env.settings();
    assert_eq!(settings["active_user_id"], "u1");
    let user = &settings["users"]["u1"];
    assert_eq!(user["api_url"], json!(api.url()));
    assert_eq!(user["profile"]["first_name"], "Ada");
    let session = &user["session"];
    assert_eq!(session["access_token"], "good-1");
    assert_eq!(session["refresh_token"], "refresh-1");
    assert_eq!(session["token_type"], "Bearer");
    let expires_at = session["expires_at"].as_u64().unwrap();
    assert!(
        (now() + 3500..=now() + 3600).contains(&expires_at),
        "{expires_at}"
    );
    let mode = fs::metadata(env.settings_path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // Two projects: neither is chosen.
    assert!(said.contains("meshagent project activate"), "{said}");
    assert!(
        inherited.contains("HOME=") && !inherited.contains("canary"),
        "{inherited}"
    );
}

#[test]
fn a_client_of_ones_own() {
    let (env, api) = (TestEnv::new(), AccountApi::generous());
    let call = api.call(&env, &["auth", "login"]);
    let call = call
        .env("MESHAGENT_OAUTH_CLIENT_ID", "mine")
        .env("MESHAGENT_OAUTH_CLIENT_SECRET", "canary:/+%")
        .env("MESHAGENT_OAUTH_SCOPES", "one two");
    let login = Login::start(&env, call);
    assert_eq!(login.visit.parameter("client_id"), "mine");
    assert_eq!(login.visit.parameter("scope"), "one two");
    assert!(!login.visit.url.as_str().contains("canary"));
    login.visit.page("code=abc&state=S");
    let inherited = login.browser.environment();
    let (code, said) = login.ends();
    assert_eq!(code, 0, "{said}");
    assert!(!said.contains("canary"), "{said}");
    let sent = &api.requests("POST /oauth/token ")[0];
    assert!(
        sent.to_lowercase().contains("\r\nauthorization: basic "),
        "{sent}"
    );
    assert!(!sent.contains("canary"), "{sent}");
    assert!(!inherited.contains("canary"), "{inherited}");
    assert_eq!(env.session()["scope"], "one two");
}

#[test]
fn refused_in_the_browser() {
    let (env, api) = (TestEnv::new(), AccountApi::generous());
    let login = Login::start(&env, api.call(&env, &["auth", "login"]));
    let page = login
        .visit
        .page("error=access_denied&error_description=She+said+no&state=S");
    assert!(page.contains("Access was not granted"), "{page}");
    let (code, said) = login.ends();
    assert_eq!(code, 5, "{said}");
    assert!(
        said.contains("error: refused at the OAuth provider: access_denied (She said no)\nhint: "),
        "{said}"
    );
    assert!(api.token_calls().is_empty());
    assert!(!env.settings_path().exists());
}

#[test]
fn refused_at_the_token_endpoint() {
    let refuse = |_, _: &_| {
        (
            "400 Bad Request",
            json!({"error": "invalid_grant", "error_description": "canary"}),
        )
    };
    let (env, api) = (TestEnv::new(), AccountApi::start(refuse));
    let login = Login::start(&env, api.call(&env, &["auth", "login"]));
    let page = login.visit.page("code=abc&state=S");
    assert!(page.contains("The sign-in did not work"), "{page}");
    let (code, said) = login.ends();
    assert_eq!(code, 5, "{said}");
    assert!(
        said.contains("invalid_grant") && !said.contains("canary"),
        "{said}"
    );
    assert_eq!(api.token_calls().len(), 1, "a code is exchanged once");
    assert!(!env.settings_path().exists());
}

#[test]
fn what_is_not_the_answer_changes_nothing() {
    let (env, api) = (TestEnv::new(), AccountApi::generous());
    let login = Login::start(&env, api.call(&env, &["auth", "login"]));
    for query in [
        "code=evil",
        "code=evil&state=x",
        "error=access_denied&state=x",
        "code=a&code=b&state=S",
    ] {
        assert_eq!(login.visit.comes_back(query).status, 400, "{query}");
    }
    login.visit.page("code=right&state=S");
    assert_eq!(login.ends().0, 0);
    assert_eq!(api.token_calls()[0]["code"], "right");
}

#[test]
fn an_issuer_that_was_not_asked() {
    let (env, api) = (TestEnv::new(), AccountApi::generous());
    let login = Login::start(&env, api.call(&env, &["auth", "login"]));
    let page = login
        .visit
        .page("code=abc&state=S&iss=https%3A%2F%2Fevil.example");
    assert!(page.contains("The sign-in did not work"), "{page}");
    let (code, said) = login.ends();
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("another issuer"), "{said}");
    assert!(api.token_calls().is_empty());
}

#[test]
fn a_browser_that_cannot_be_started() {
    let _turn = turn();
    let (env, api) = (TestEnv::new(), AccountApi::generous());
    for browser in ["/nonexistent/browser", "false"] {
        let call = api.call(&env, &["auth", "login", "--timeout", "1"]);
        let ran = call.env("BROWSER", browser).run().ends_with(6).says("warning: ");
        let ran = ran.says("/oauth/authorize?").says("nobody signed in within 1s");
        assert_eq!(ran.out(), "");
    }
}

#[test]
fn without_a_browser_the_address_is_printed_whatever_is_wanted() {
    let _turn = turn();
    let (env, api) = (TestEnv::new(), AccountApi::generous());
    for flags in [&["--no-browser"][..], &[], &["--quiet"]] {
        let call = api.call(&env, &["auth", "login", "--timeout", "1"]).args(flags);
        call.run().ends_with(6).says("/oauth/authorize?");
    }
    // Over ssh a display is another's.
    let call = api.call(&env, &["auth", "login", "--timeout", "1"]);
    let call = call.env("DISPLAY", ":0").env("SSH_CONNECTION", "a 1 b 2");
    call.run().ends_with(6).says("Go to this address in a browser");
}

#[test]
fn a_port_that_is_taken() {
    let _turn = turn();
    let _other = TcpListener::bind("127.0.0.1:8765").unwrap();
    let (env, api) = (TestEnv::new(), AccountApi::generous());
    let call = api.call(&env, &["auth", "login"]).env("BROWSER", "true");
    call.run().refuses(1).says("port 8765 is taken");
}

/// Signs in on a terminal without a browser, up to where the callback is asked for.
fn at_a_terminal(api: &AccountApi, env: &TestEnv) -> (Terminal, Visit) {
    let mut terminal = Terminal::run(api.call(env, &["auth", "login"]));
    terminal.shows("Go to this address in a browser, and sign in:\r\n\r\n  ");
    let visit = Visit::new(&terminal.shows("\r\n"));
    terminal.shows("(it is not shown): ");
    terminal.hides();
    (terminal, visit)
}

#[test]
fn the_address_can_be_pasted() {
    let _turn = turn();
    let (env, api) = (TestEnv::new(), AccountApi::generous());
    let (mut terminal, visit) = at_a_terminal(&api, &env);
    let state = visit.parameter("state");
    for (pasted, problem) in [
        (
            "http://localhost:8765/callback?code=canary&state=x",
            "another request",
        ),
        ("https://evil.example/callback?code=canary", "not the address"),
        ("", "nothing was pasted"),
    ] {
        terminal.types(&format!("{pasted}\r"));
        let shown = terminal.shows(problem);
        assert!(!shown.contains("canary"), "{shown}");
        terminal.shows("(it is not shown): ");
    }
    terminal.types(&format!(
        "http://localhost:8765/callback?code=canary&state={state}\r"
    ));
    terminal.shows("Signed in at ");
    let Screen { code, text, echo, .. } = terminal.ends();
    assert_eq!((code, echo), (0, true), "{text}");
    assert!(!text.contains("canary") && !text.contains(&state), "{text}");
    assert_eq!(api.token_calls()[0]["code"], "canary");
}

#[test]
fn a_code_alone_can_be_pasted_because_of_pkce() {
    let _turn = turn();
    let (env, api) = (TestEnv::new(), AccountApi::generous());
    let (mut terminal, _) = at_a_terminal(&api, &env);
    terminal.types("4/0A-code\r");
    terminal.shows("Signed in at ");
    assert_eq!(terminal.ends().code, 0);
    assert_eq!(api.token_calls()[0]["code"], "4/0A-code");
}

#[test]
fn the_browser_may_come_while_an_address_could_be_pasted() {
    let _turn = turn();
    let (env, api) = (TestEnv::new(), AccountApi::generous());
    let (mut terminal, visit) = at_a_terminal(&api, &env);
    assert!(visit.page("code=abc&state=S").contains("You are signed in"));
    terminal.shows("Signed in at ");
    let Screen { code, echo, .. } = terminal.ends();
    assert_eq!((code, echo), (0, true));
}

#[test]
fn the_only_project_is_chosen_and_another_user_does_not_inherit() {
    let (env, api) = (TestEnv::new(), AccountApi::generous());
    env.write_settings(&json!({"active_user_id": "u0", "users": {"u0": {
        "session": {"access_token": "others"}, "project": {"active_project": "p0"}}}}));
    let login = Login::start(&env, api.call(&env, &["auth", "login"]));
    login.visit.page("code=abc&state=S");
    assert_eq!(login.ends().0, 0);
    let settings = env.settings();
    assert_eq!(settings["active_user_id"], "u1");
    assert_eq!(settings["users"]["u0"]["session"]["access_token"], "others");
    assert!(settings["users"]["u1"].get("project").is_none(), "{settings}");
}

#[test]
fn whoever_signs_in_without_a_profile_is_signed_in() {
    let bad = |_, _: &_| {
        let body = json!({"access_token": "bad", "refresh_token": "r", "expires_in": 3600});
        ("200 OK", body)
    };
    let (env, api) = (TestEnv::new(), AccountApi::start(bad));
    env.sign_in("good-0", 3600);
    let login = Login::start(&env, api.call(&env, &["auth", "login"]));
    login.visit.page("code=abc&state=S");
    let (code, said) = login.ends();
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("warning: who you are could not be asked"), "{said}");
    let settings = env.settings();
    assert_eq!(settings["active_user_id"], "__local__");
    assert_eq!(settings["users"]["__local__"]["session"]["access_token"], "bad");
    assert_eq!(settings["users"]["u1"]["session"]["access_token"], "good-0");
}
