//! What is pasted at a prompt is one value, or is refused; none of it reaches the next question or the shell.

use rustix::process::Signal;

use crate::request_provide::{as_ada, ended, request};
use crate::support::{REPORT, Screen, Terminal, TestEnv, TestServer};

const KEY: &str = "-----BEGIN KEY-----\ncanary/canary+canary\ntouch canary\n-----END KEY-----\n";
const KEY_SHOWN: &str = "[4 lines, 72 bytes]";

/// The program's request to its terminal to report.
const ASKS_FOR_REPORT: &str = "\x1b[5n";

/// As a terminal sends text that does not mark it: with the newlines that Enter sends.
fn unmarked(text: &str) -> String {
    text.replace('\n', "\r")
}

fn started(env: &TestEnv) -> Terminal {
    Terminal::run(env.local().secret(["set", "a", "--color=never"]))
}

/// A command that has asked for a value.
fn prompting(env: &TestEnv) -> Terminal {
    let mut terminal = started(env);
    terminal.shows("Value of a (not shown): ");
    terminal
}

#[track_caller]
fn leaves_nothing(screen: &Screen) {
    assert!(screen.is_restored, "{screen:?}");
    assert!(screen.text.contains("\x1b[?2004l"), "{screen:?}");
    assert_eq!(screen.left, "", "{screen:?}");
    assert!(!screen.text.contains("canary"), "{screen:?}");
}

#[test]
fn set_takes_a_marked_paste_whole_and_shows_how_much_it_was() {
    let env = TestEnv::new();
    for sent in [KEY.to_owned(), unmarked(KEY)] {
        let mut terminal = prompting(&env);
        terminal.pastes_marked(&sent);
        terminal.shows(KEY_SHOWN);
        terminal.types("\r");
        let screen = terminal.ends();
        assert_eq!(screen.code, 0, "{screen:?}");
        leaves_nothing(&screen);
        assert_eq!(env.local().get("a"), KEY.as_bytes());
    }
}

#[test]
fn a_marked_paste_keeps_every_byte_whatever_it_does_elsewhere() {
    let env = TestEnv::new();
    let bytes = "a\x03b\x1ac\x1cd\x04e\x11\x13f\x15g\x7f\x16h\x1b[A\x1b[200~\x1b[201\0\u{9b}\tz";
    let mut terminal = prompting(&env);
    // In pieces, as a network may bring it.
    terminal.types("\x1b[20");
    terminal.types("0~");
    for byte in bytes.bytes() {
        terminal.pastes(&[byte]);
    }
    terminal.types("\x1b[2");
    terminal.types("01~\r");
    let screen = terminal.ends();
    assert_eq!(screen.code, 0, "{screen:?}");
    leaves_nothing(&screen);
    assert_eq!(env.local().get("a"), bytes.as_bytes());
}

#[test]
fn several_lines_that_are_not_marked_are_refused() {
    let env = TestEnv::new();
    for keys in [
        &unmarked(KEY),
        "\rcanary\r",
        "canary\r\rcanary",
        "canary\r\x1b[200~canary\x1b[201~\r",
    ] {
        let mut terminal = prompting(&env);
        terminal.types(keys);
        let screen = terminal.ends();
        assert_eq!(screen.code, 2, "{screen:?}");
        assert!(
            screen.text.contains("error: several lines were pasted"),
            "{screen:?}"
        );
        assert!(screen.text.contains("--in PATH"), "{screen:?}");
        leaves_nothing(&screen);
    }
    assert!(!env.data_dir().exists());
}

/// The line is no value before the terminal has reported: what it sent before, it has sent by then.
#[test]
fn lines_that_come_one_by_one_belong_together_until_the_terminal_reports() {
    let env = TestEnv::new();
    let mut terminal = started(&env);
    terminal.shows(ASKS_FOR_REPORT);
    terminal.types(REPORT);
    terminal.shows("Value of a (not shown): ");
    let mut lines = KEY.lines();
    terminal.types(lines.next().unwrap());
    terminal.types("\r");
    terminal.shows(ASKS_FOR_REPORT);
    for line in lines {
        terminal.types(&format!("{line}\r"));
    }
    terminal.types(REPORT);
    // It is asked once more, when all has been thrown away.
    terminal.shows(ASKS_FOR_REPORT);
    terminal.types(REPORT);
    let screen = terminal.ends();
    assert_eq!(screen.code, 2, "{screen:?}");
    leaves_nothing(&screen);
}

#[test]
fn one_line_is_taken_when_the_terminal_has_reported() {
    let env = TestEnv::new();
    let mut terminal = started(&env);
    terminal.shows("Value of a (not shown): ");
    terminal.types(REPORT);
    terminal.types("typed\r");
    terminal.shows(ASKS_FOR_REPORT);
    terminal.types(REPORT);
    let screen = terminal.ends();
    assert_eq!(screen.code, 0, "{screen:?}");
    leaves_nothing(&screen);
    assert_eq!(env.local().get("a"), b"typed");
}

#[test]
fn a_paste_that_is_too_large_is_refused_and_thrown_away() {
    let env = TestEnv::new();
    let mut terminal = prompting(&env);
    let chunk = "canary touch canary\n".repeat(100);
    terminal.types("\x1b[200~");
    for _ in 0..600 {
        terminal.types(&chunk);
    }
    terminal.types("\x1b[201~\r");
    let screen = terminal.ends();
    assert_eq!(screen.code, 2, "{screen:?}");
    assert!(
        screen.text.contains("error: more than 1 MiB was pasted"),
        "{screen:?}"
    );
    leaves_nothing(&screen);
    assert!(!env.data_dir().exists());
}

#[test]
fn ctrl_c_and_a_signal_in_the_middle_of_a_paste_leave_nothing_of_it() {
    let env = TestEnv::new();
    for (before, after) in [
        ("canary\x03", "canary\rcanary\r"),
        ("\x1b[200~canary\ncanary\x1b[201~\x03", "canary\rcanary\r"),
        // A paste that has no end.
        ("\x1b[200~canary\ncanary\x03", ""),
    ] {
        let mut terminal = prompting(&env);
        terminal.types(&format!("{before}{after}"));
        let screen = terminal.ends();
        assert_eq!(screen.code, 130, "{screen:?}");
        leaves_nothing(&screen);
    }
    let mut terminal = prompting(&env);
    terminal.types("shown when read\x15\x1b[200~canary\ncanary\n");
    terminal.signals(Signal::TERM);
    terminal.types("canary\rcanary\r\x1b[201~");
    let screen = terminal.ends();
    assert_eq!(screen.code, 143, "{screen:?}");
    leaves_nothing(&screen);
    assert!(!env.data_dir().exists());
}

/// A shell runs what is left to it.
#[test]
fn a_yes_with_more_after_it_is_no_yes() {
    let env = TestEnv::new();
    env.local().set("a", "x");
    for keys in ["y\rtouch canary\r", "\x1b[200~y\ntouch canary\n\x1b[201~\r"] {
        let mut terminal = Terminal::run(env.local().secret(["delete", "a", "--color=never"]));
        terminal.shows("[y/N] ");
        terminal.types(keys);
        let screen = terminal.ends();
        assert_eq!(screen.code, 1, "{screen:?}");
        assert!(screen.is_restored && screen.left.is_empty(), "{screen:?}");
        assert_eq!(env.local().get("a"), b"x");
    }
}

#[test]
fn a_terminal_without_escape_sequences_is_sent_none() {
    let env = TestEnv::new();
    let call = env.local().secret(["set", "a"]).env("TERM", "dumb");
    let mut terminal = Terminal::run(call);
    let before = terminal.shows("Value of a (not shown): ");
    terminal.types("typed\r");
    let screen = terminal.ends();
    assert_eq!(screen.code, 0, "{screen:?}");
    assert!(
        !before.contains('\x1b') && !screen.text.contains('\x1b'),
        "{screen:?}"
    );
}

const CHOICE: &str = "bob: give, reject or ignore? [g/r/i] ";
const HOW: &str = "Type it, from a file, or a stored secret? [t/f/s] ";
const VALUE: &str = "Value (not shown): ";

/// A provider at a terminal, which is asked for a value.
fn providing(server: &TestServer<'_>, arguments: &[&str]) -> Terminal {
    let call = as_ada(server)
        .secret(["provide", "--color=never"])
        .args(arguments);
    let mut ada = Terminal::run(call);
    ada.shows("--url URL\r\n");
    ada
}

fn chooses_to_type(ada: &mut Terminal) {
    ada.shows(CHOICE);
    ada.types("g\r");
    ada.shows(HOW);
    ada.types("t\r");
    ada.shows(VALUE);
}

#[test]
fn provide_gives_a_marked_paste_whole_and_leaves_nothing_to_the_shell() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let mut ada = providing(&server, &["--once"]);
    let bob = request(&server, &["--url", "u", "--quiet"]).spawn();
    chooses_to_type(&mut ada);
    ada.pastes_marked(&unmarked(KEY));
    ada.shows(KEY_SHOWN);
    ada.types("\r");
    assert_eq!(ended(bob).succeeds().out(), KEY);
    let screen = ada.ends();
    assert_eq!(screen.code, 0, "{screen:?}");
    leaves_nothing(&screen);
}

#[test]
fn a_paste_that_provide_refuses_answers_no_other_question() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let mut ada = providing(&server, &["--once"]);
    let bob = request(&server, &["--url", "u", "--quiet"]).spawn();
    chooses_to_type(&mut ada);
    ada.types(&unmarked("canary\nr\ncanary\ni\ng\nt\ncanary\n"));
    let shown = ada.shows("Not taken: several lines were pasted");
    assert!(!shown.contains("canary"), "{shown:?}");
    // At a question whose answer is shown, no more of a paste is.
    ada.shows(CHOICE);
    ada.pastes_marked("canary\ncanary\n");
    ada.shows("[2 lines, 14 bytes]");
    ada.types("\r");
    let shown = ada.shows("Type g, r or i, and Enter.");
    assert!(!shown.contains("canary"), "{shown:?}");
    ada.shows(CHOICE);
    ada.types("r\r");
    ada.shows("Reason, which they are told: ");
    ada.types("no\r");
    ended(bob).fails(5).says("request: no");
    let screen = ada.ends();
    assert_eq!(screen.code, 0, "{screen:?}");
    leaves_nothing(&screen);
}
