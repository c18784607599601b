//! `room secret oauth`: what it is given, before anybody is asked.

use super::*;
use crate::secrecy::is_clean;
use crate::support::{Terminal, Visit};

/// Whether the room's server called the endpoint with this secret, and the command repeats it nowhere.
fn secret_arrives(flags: &[&str], stdin: &str, secret: Option<&str>) {
    let env = TestEnv::new();
    env.write("secret", "canary-secret:/+%\n");
    let Stage {
        server,
        endpoint,
        browser,
    } = Stage::new(&env);
    let call = oauth(&server.with_token("bob", "room"), &endpoint, flags);
    let call = opening(&browser, call).arg("-vvv").stdin(stdin);
    let ran = std::thread::scope(|scope| {
        let running = scope.spawn(|| call.run());
        browser.opens().page("code=canary-code&state=S");
        running.join().unwrap().succeeds()
    });
    let basic = endpoint.calls()[0].basic.clone();
    assert_eq!(basic.as_deref(), secret);
    is_clean(
        "stderr",
        &ran.stderr,
        &["canary-secret", "canary-code", "canary-access-1"],
    );
    is_clean("the log", server.log().as_bytes(), &["canary-secret"]);
}

#[test]
fn a_client_secret_from_a_file_from_stdin_or_none() {
    let sent = Some("client:canary-secret%3A%2F%2B%25");
    secret_arrives(&["--client-secret", "@secret"], "", sent);
    secret_arrives(&["--client-secret", "-"], "canary-secret:/+%\r\n", sent);
    secret_arrives(&[], "not read", None);
    secret_arrives(&["--client-secret="], "", None);
}

#[test]
fn a_client_secret_on_the_command_line_is_taken_with_a_warning() {
    let env = TestEnv::new();
    let server = serve(&env);
    let endpoint = TokenEndpoint::start(numbered(3600));
    let bob = server.with_token("bob", "room");
    let call = oauth(
        &bob,
        &endpoint,
        &["--offline", "--client-secret", "canary-secret"],
    );
    let ran = call
        .run()
        .ends_with(3)
        .says("warning: other users of this machine may see");
    is_clean("stderr", &ran.stderr, &["canary-secret"]);
}

#[test]
fn a_client_secret_is_asked_for_at_a_terminal_and_not_shown() {
    let env = TestEnv::new();
    let server = serve(&env);
    let endpoint = TokenEndpoint::start(numbered(3600));
    let bob = server.with_token("bob", "room");
    let mut terminal = Terminal::run(oauth(&bob, &endpoint, &["--no-browser", "--client-secret"]));
    terminal.shows("Client secret (not shown): ");
    terminal.hides();
    terminal.types("canary-secret\r");
    terminal.shows("sign in:\r\n\r\n  ");
    let visit = Visit::new(&terminal.shows("\r\n"));
    visit.page("code=canary-code&state=S");
    terminal.shows("canary-access-1\r\n");
    let screen = terminal.ends();
    assert_eq!((screen.code, screen.echo), (0, true), "{screen:?}");
    assert_eq!(endpoint.calls()[0].basic.as_deref(), Some("client:canary-secret"));
    // Without a terminal nobody can be asked.
    oauth(&bob, &endpoint, &["--client-secret"])
        .run()
        .refuses(2)
        .says("no terminal");
}

#[test]
fn what_cannot_be_used_is_refused_before_anybody_is_asked() {
    let env = TestEnv::new();
    env.write("empty", "\n");
    env.write("binary", b"canary-secret\xff");
    let server = serve(&env);
    let endpoint = TokenEndpoint::start(numbered(3600));
    let bob = server.with_token("bob", "room");
    for flags in [
        &["--client-secret", "@empty"][..],
        &["--client-secret", "@gone"],
        &["--client-secret", "@binary"],
        &["--client-secret", "c\u{e4}nary-secret"],
    ] {
        let ran = oauth(&bob, &endpoint, flags).run();
        let code = if flags[1] == "@gone" || flags[1] == "@binary" {
            1
        } else {
            2
        };
        is_clean(
            "stderr",
            &ran.ends_with(code).stderr,
            &["canary-secret", "c\u{e4}nary-secret"],
        );
    }
    for flags in [
        &["--scopes", "a\""][..],
        &["--redirect-uri", "nonsense"],
        &["--redirect-uri", "http://127.0.0.1/#x"],
        &["--from", "ada", "--from-participant-id", "x"],
        &["--from", "ada", "--offline"],
        &["--delegate-to", "ada", "--offline"],
        &["--delegated-to", "ada"],
        &["--delegated-by", "ada"],
        &["--timeout", "0"],
    ] {
        oauth(&bob, &endpoint, flags).run().ends_with(2);
    }
    for (authorization, token) in [
        ("javascript:alert(1)", "https://h/"),
        ("https://good.example@evil.example/", "https://h/"),
        ("https://h/#x", "https://h/"),
        ("https://h/", "h"),
        ("https://h/", "ftp://h/"),
    ] {
        let call = bob.secret([
            "oauth",
            "--client-id",
            "c",
            "--authorization-endpoint",
            authorization,
        ]);
        call.args(["--token-endpoint", token]).run().ends_with(2);
    }
    // The server refuses the rest.
    let call = bob.secret(["oauth", "--client-id", "c", "--authorization-endpoint", AUTHORIZE]);
    call.args(["--token-endpoint", "https://10.0.0.1/token"])
        .env("BROWSER", "true")
        .run()
        .ends_with(2)
        .says("no public address");
    env.write("token", "before");
    oauth(&bob, &endpoint, &["--out", "token"])
        .run()
        .refuses(1)
        .says("exists already");
    assert!(endpoint.calls().is_empty());
}
