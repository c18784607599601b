//! `provide` at a terminal: the person is asked, and only what is meant for a request answers it.

use rustix::process::Signal;
use serde_json::Value;

use super::{URL, as_ada, ended, request};
use crate::support::{Call, Terminal, TestEnv, TestServer, signal};

const CHOICE: &str = "bob: give, reject or ignore? [g/r/i] ";
const HOW: &str = "Type it, from a file, or a stored secret? [t/f/s] ";
const VALUE: &str = "Value (not shown): ";

/// A provider at a terminal, which is in the room.
fn at_terminal(server: &TestServer<'_>, arguments: &[&str]) -> Terminal {
    shown_at_terminal(
        as_ada(server)
            .secret(["provide", "--color=never"])
            .args(arguments),
    )
}

fn shown_at_terminal(call: Call) -> Terminal {
    let mut terminal = Terminal::run(call);
    terminal.shows("--url URL\r\n");
    terminal
}

/// At the prompt of a request, chooses to type the value, up to where it is typed.
fn chooses_to_type(ada: &mut Terminal) {
    ada.shows(CHOICE);
    ada.types("g\r");
    ada.shows(HOW);
    ada.types("t\r");
    ada.shows(VALUE);
}

/// `request` of bob's, from the provider at the terminal; quiet but for errors.
fn asking(server: &TestServer<'_>, url: &str) -> std::process::Child {
    request(server, &["--url", url, "--quiet"]).spawn()
}

#[test]
fn it_shows_who_asks_for_what_and_gives_what_is_typed() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let call = as_ada(&server).secret(["provide", "--color=never", "--once"]);
    let mut ada = shown_at_terminal(call.env("TZ", "XYZ-3"));
    let arguments = ["--url", "https://db\u{202e}.example", "--type", "a\u{200b}b"];
    let bob = request(&server, &arguments)
        .args(["--delegate-to", "c\u{200b}\u{430}rol", "--quiet"])
        .spawn();
    let shown = ada.shows(CHOICE);
    for line in [
        "\x07bob asks for a secret.\r\n",
        "  url       https://db\\u{202e}.example\r\n",
        "  type      a\\u{200b}b\r\n",
        "  delegate  c\\u{200b}\\u{430}rol, who may read it too",
        " XYZ (in ",
    ] {
        assert!(shown.contains(line), "{line:?} {shown:?}");
    }
    ada.hides();
    ada.types("x\r");
    ada.shows("Type g, r or i, and Enter.");
    chooses_to_type(&mut ada);
    ada.types("typed p\u{e4}sx\x7fs\r");
    ada.shows(
        "bob asked for https://db\\u{202e}.example (type a\\u{200b}b), for c\\u{200b}\\u{430}rol: given, typed.\r\n",
    );
    assert_eq!(ended(bob).succeeds().out(), "typed p\u{e4}ss");
    let screen = ada.ends();
    assert_eq!((screen.code, screen.echo), (0, true), "{screen:?}");
}

#[test]
fn what_is_typed_is_hidden() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let mut ada = at_terminal(&server, &["--once"]);
    let bob = asking(&server, URL);
    ada.shows(CHOICE);
    ada.types("give\r");
    ada.shows(HOW);
    ada.types("type\r");
    ada.shows(VALUE);
    ada.types("canary\r");
    let screen = ada.ends();
    assert!(!screen.text.contains("canary"), "{screen:?}");
    assert_eq!(ended(bob).succeeds().out(), "canary");
}

#[test]
fn a_reason_goes_to_the_other_side() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let mut ada = at_terminal(&server, &[]);
    for (reason, told) in [
        ("not you", "request: not you"),
        ("", "request: the participant said no"),
    ] {
        let bob = asking(&server, URL);
        ada.shows(CHOICE);
        ada.types("r\r");
        ada.shows("Reason, which they are told: ");
        ada.types(&format!("{reason}\r"));
        ada.shows("rejected, by you.\r\n");
        ended(bob).fails(5).says(told);
    }
    ada.types("\x03");
    let screen = ada.ends();
    assert_eq!((screen.code, screen.echo), (130, true), "{screen:?}");
}

#[test]
fn git_takes_a_user_name_and_a_password() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let mut ada = at_terminal(&server, &["--once"]);
    let bob = request(&server, &["--url", URL, "--type", "git", "--quiet"]).spawn();
    ada.shows(CHOICE);
    ada.types("g\r");
    ada.shows(HOW);
    ada.types("t\r");
    ada.shows("User name: ");
    ada.types("ada@example\r");
    ada.shows("Password (not shown): ");
    ada.types("p\"\\ss\r");
    let value: Value = ended(bob).succeeds().json();
    let expected = serde_json::json!({"username": "ada@example", "password": "p\"\\ss"});
    assert_eq!(value, expected);
    assert_eq!(ada.ends().code, 0);
}

#[test]
fn a_file_or_a_stored_secret() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    env.write("value", b"\0file");
    as_ada(&server).set("mine", "stored");
    let mut ada = at_terminal(&server, &[]);
    for (url, key, question, wrong, right, how, value) in [
        (
            "a",
            "f",
            "Path of the file: ",
            "gone",
            "value",
            "file:value",
            &b"\0file"[..],
        ),
        (
            "b",
            "s",
            "Id of the secret: ",
            "gone",
            "mine",
            "id:mine",
            b"stored",
        ),
    ] {
        let bob = asking(&server, url);
        for answer in [wrong, right] {
            ada.shows(CHOICE);
            ada.types("g\r");
            ada.shows(HOW);
            ada.types(&format!("{key}\r"));
            ada.shows(question);
            ada.types(&format!("{answer}\r"));
            if answer == wrong {
                ada.shows("Nothing was given.");
            }
        }
        ada.shows(&format!("given, {how}.\r\n"));
        assert_eq!(ended(bob).succeeds().stdout, value);
    }
    ada.types("\x03");
    assert_eq!(ada.ends().code, 130);
}

#[test]
fn an_empty_value_is_given_on_purpose_only() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let mut ada = at_terminal(&server, &["--once"]);
    let bob = asking(&server, URL);
    for answer in ["n\r", "y\r"] {
        chooses_to_type(&mut ada);
        ada.types("\r");
        ada.shows("Give an empty value? [y/N] ");
        ada.types(answer);
    }
    assert_eq!(ended(bob).succeeds().stdout, b"");
    assert_eq!(ada.ends().code, 0);
}

/// What became of a request is said before the next one asks: a person who answers too early would answer it.
#[test]
fn each_outcome_comes_before_the_next_question_and_those_that_wait_are_counted() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let mut ada = at_terminal(&server, &[]);
    let asks = |name: &str| {
        let request = ["request", "--from", "ada", "--quiet", "--url", name];
        server.with_token(name, "room").secret(request).spawn()
    };
    let bob = asks("bob");
    ada.shows("bob: give, reject or ignore? [g/r/i] ");
    let carol = asks("carol");
    ada.shows("\r\x1b[K(1 more waits) bob: give, reject or ignore? [g/r/i] ");
    let dave = asks("dave");
    ada.shows("\r\x1b[K(2 more wait) bob: give, reject or ignore? [g/r/i] ");
    let mut shown = String::new();
    for (question, requester) in [
        ("(1 more waits) carol: give, reject or ignore? [g/r/i] ", bob),
        ("dave: give, reject or ignore? [g/r/i] ", carol),
    ] {
        ada.types("r\r");
        ada.shows("Reason, which they are told: ");
        ada.types("no\r");
        shown.push_str(&ada.shows(question));
        ended(requester).fails(5).says("request: no");
    }
    ada.types("i\r");
    shown.push_str(&ada.shows("ignored.\r\n"));
    let places = [
        "bob asked for bob (type application/octet-stream): rejected, by you.\r\n",
        "carol asks for a secret.\r\n",
        "carol asked for carol (type application/octet-stream): rejected, by you.\r\n",
        "dave asks for a secret.\r\n",
        "dave asked for dave (type application/octet-stream): ",
    ]
    .map(|line| shown.find(line).unwrap_or_else(|| panic!("{line:?} {shown:?}")));
    assert!(places.is_sorted(), "{shown:?}");
    signal(&dave, Signal::INT);
    ended(dave).ends_with(130);
    ada.types("\x03");
    assert_eq!(ada.ends().code, 130);
}

#[test]
fn what_deserves_a_second_look_has_colour() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let mut ada = shown_at_terminal(as_ada(&server).secret(["provide", "--color=always"]));
    let arguments = ["--url", "u", "--delegate-to", "carol", "--quiet"];
    let bob = request(&server, &arguments).spawn();
    let shown = ada.shows(CHOICE);
    let marked: Vec<&str> = shown.lines().filter(|line| line.contains("\x1b[33m")).collect();
    assert_eq!(
        marked,
        ["  delegate  \x1b[33mcarol, who may read it too from now on\x1b[0m"]
    );
    ada.types("\x03");
    assert_eq!(ada.ends().code, 130);
    ended(bob).fails(1);
}

/// The requester leaves while the value is being typed. The rest of what is typed is for nobody: not shown,
/// and no answer to the next request.
#[test]
fn a_request_that_is_taken_back_goes_away_and_the_next_is_shown() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let mut ada = at_terminal(&server, &["--once"]);
    let first = asking(&server, "first");
    ada.shows(CHOICE);
    let second = asking(&server, "second");
    ada.types("g\r");
    ada.shows(HOW);
    ada.types("t\r");
    ada.shows(VALUE);
    ada.types("can");
    signal(&first, Signal::INT);
    ended(first).ends_with(130);
    ada.shows("bob asked for first (type application/octet-stream): taken back, the other side");
    ada.types("ary\rg\rt\rcanary\r");
    let shown = ada.shows(CHOICE);
    assert!(shown.contains("  url       second\r\n"), "{shown:?}");
    assert!(!shown.contains("ary"), "{shown:?}");
    ada.types("r\r");
    ada.shows("Reason, which they are told: ");
    ada.types("no\r");
    ended(second).fails(5).says("request: no");
    assert_eq!(ada.ends().code, 0);
}

#[test]
fn a_request_whose_time_is_over_goes_away() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let mut ada = at_terminal(&server, &[]);
    let bob = request(&server, &["--url", URL, "--quiet", "--timeout", "1"]).spawn();
    ada.shows(CHOICE);
    ended(bob).fails(6);
    ada.shows("taken back, the time is over.");
    ada.types("\x03");
    let screen = ada.ends();
    assert_eq!((screen.code, screen.echo), (130, true), "{screen:?}");
}

#[test]
fn what_is_ignored_waits_until_its_time_is_over() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let mut ada = at_terminal(&server, &[]);
    let bob = request(&server, &["--url", URL, "--quiet", "--timeout", "3"]).spawn();
    ada.shows(CHOICE);
    ada.types("i\r");
    ada.shows("ignored.\r\n");
    ended(bob).fails(6);
    ada.types("\x03");
    assert_eq!(ada.ends().code, 130);
}

#[test]
fn rules_answer_while_a_question_is_open() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    env.write("value", "by rule");
    let mut ada = at_terminal(&server, &["--secret", "quick=value", "--secret", "other=value"]);
    let slow = asking(&server, "slow");
    ada.shows(CHOICE);
    ada.types("gi");
    ada.shows("gi");
    let quick = request(&server, &["--url", "quick"]).run().succeeds();
    assert_eq!(quick.out(), "by rule");
    // Said above the question, which is shown again with what was typed.
    let line = "bob asked for quick (type application/octet-stream): given, by --secret from file:value.\r\n";
    ada.shows(line);
    ada.shows(&format!("{CHOICE}gi"));
    ada.types("ve\r");
    ada.shows(HOW);
    ada.types("t\r");
    ada.shows(VALUE);
    ada.types("x\r");
    assert_eq!(ended(slow).succeeds().out(), "x");
    ada.types("\x03");
    assert_eq!(ada.ends().code, 130);
}

#[test]
fn ctrl_c_at_a_question_ends_at_once_and_leaves_the_terminal_as_it_was() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let mut ada = at_terminal(&server, &[]);
    let bob = asking(&server, URL);
    chooses_to_type(&mut ada);
    ada.hides();
    ada.types("canary\x03");
    let screen = ada.ends();
    assert_eq!((screen.code, screen.echo), (130, true), "{screen:?}");
    assert!(!screen.text.contains("canary"), "{screen:?}");
    ended(bob).fails(1).says("left");
}

#[test]
fn answers_are_read_from_the_terminal_and_not_from_stdin() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let call = as_ada(&server).secret(["provide", "--color=never", "--once"]);
    let stdin = env.write("stdin", "g\nt\nnot this\n");
    let mut ada = shown_at_terminal(call.reading(&stdin));
    let bob = asking(&server, URL);
    chooses_to_type(&mut ada);
    ada.types("this\r");
    assert_eq!(ended(bob).succeeds().out(), "this");
    assert_eq!(ada.ends().code, 0);
}

#[test]
fn no_input_asks_nobody() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let mut ada = at_terminal(&server, &["--no-input"]);
    let bob = asking(&server, URL);
    ended(bob).refuses(5);
    ada.shows("rejected, no rule matches and nobody can be asked.\r\n");
    ada.types("\x03");
    assert_eq!(ada.ends().code, 130);
}

#[test]
fn a_wait_is_shown_on_a_terminal() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    env.write("value", "x");
    env.write(
        "rules.toml",
        "[[rule]]\nurl = \"u*\"\ncommand = [\"sh\", \"-c\", \"until [ -e go ]; do sleep 0.05; done; echo x\"]\n",
    );
    let provider = super::ada(&server, &["--rules", "rules.toml"]);
    // More than a line has place for.
    let url = format!("{}-and-its-end", "u".repeat(60));
    let mut bob = Terminal::run(request(&server, &["--url", &url]));
    bob.shows(" left) Waiting for ada to answer: uuu");
    env.write("go", "");
    let screen = bob.ends();
    assert_eq!(screen.code, 0, "{screen:?}");
    assert!(screen.text.ends_with("x\r\n"), "{screen:?}");
    assert!(!screen.text.contains("and-its-end"), "{screen:?}");
    provider.stop();
}

#[test]
fn delete_requested_asks() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    env.write("value", "x");
    let provider = super::ada(&server, &["--secret", &format!("{URL}=value")]);
    request(&server, &["--url", URL]).run().succeeds();
    let delete = || {
        server
            .with_token("bob", "room")
            .secret(["delete-requested", "--url", URL])
    };
    for (keys, code) in [("n\r", 1), ("y\r", 0)] {
        let mut terminal = Terminal::run(delete());
        terminal.shows("Delete the answers for https://db.example/main in room room? [y/N] ");
        terminal.types(keys);
        assert_eq!(terminal.ends().code, code);
    }
    delete().run().refuses(3);
    request(&server, &["--url", URL]).run().succeeds();
    assert_eq!(Terminal::run(delete().arg("--yes")).ends().code, 0);
    provider.stop();
}
