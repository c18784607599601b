//! On a terminal: prompts, questions, and what is not written to it.

use crate::support::{ASKED_OF_TERMINAL, PASTES_UNMARKED, Screen, Terminal, TestEnv};

fn secret(env: &TestEnv, arguments: &[&str]) -> Terminal {
    Terminal::run(env.local().secret(arguments).arg("--color=never"))
}

fn shown(env: &TestEnv, arguments: &[&str]) -> Screen {
    secret(env, arguments).ends()
}

/// A command that has asked for a value and waits for it.
fn prompting(env: &TestEnv) -> Terminal {
    let mut terminal = secret(env, &["set", "a"]);
    terminal.shows("Value of a (not shown): ");
    terminal.hides();
    terminal
}

#[test]
fn a_hidden_prompt_stores_what_was_typed_and_does_not_show_it() {
    let env = TestEnv::new();
    let mut terminal = prompting(&env);
    terminal.types("typed p\u{e4}ss \u{1f511}\r");
    let screen = terminal.ends();
    assert_eq!(screen.code, 0, "{screen:?}");
    assert!(!screen.text.contains("typed"), "{screen:?}");
    assert!(screen.echo, "{screen:?}");
    assert_eq!(env.local().get("a"), "typed p\u{e4}ss \u{1f511}".as_bytes());
}

#[test]
fn what_is_typed_is_stored_byte_for_byte() {
    let env = TestEnv::new();
    for (keys, expected) in [
        (&b"\xff\xfe\x80\r"[..], &b"\xff\xfe\x80"[..]),
        (b"line\r\n", b"line"),
    ] {
        let mut terminal = prompting(&env);
        terminal.pastes(keys);
        let screen = terminal.ends();
        assert_eq!(screen.code, 0, "{screen:?}");
        assert_eq!(env.local().get("a"), expected);
    }
}

#[test]
fn a_hidden_prompt_is_seen_where_stderr_goes_elsewhere() {
    let env = TestEnv::new();
    let script = r#""$0" room secret set a 2>err.log"#;
    let call = env
        .program("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_meshagent")])
        .env("MESHAGENT_LOCAL", "1")
        .env("MESHAGENT_ROOM", "room");
    let mut terminal = Terminal::run(call);
    terminal.shows("Value of a (not shown): ");
    terminal.types("typed\r");
    let screen = terminal.ends();
    assert_eq!(screen.code, 0, "{screen:?}");
    assert_eq!(env.local().get("a"), b"typed");
}

#[test]
fn ctrl_c_at_a_hidden_prompt_ends_at_once_and_leaves_the_terminal_as_it_was() {
    let env = TestEnv::new();
    let mut terminal = prompting(&env);
    terminal.types("half\x03");
    let screen = terminal.ends();
    assert_eq!(screen.code, 130, "{screen:?}");
    assert!(screen.echo, "{screen:?}");
    assert!(
        !screen.text.contains("half") && !screen.text.contains("error"),
        "{screen:?}"
    );
    assert!(!env.data_dir().exists());
}

/// Whoever typed a secret must not hear only then that it goes nowhere.
#[test]
fn a_mistake_in_the_settings_is_told_before_anything_is_asked() {
    let env = TestEnv::new();
    for command in [&["set", "a"][..], &["delete", "a"]] {
        let call = env.call(["room", "secret"]).args(command).arg("--local");
        let screen = Terminal::run(call).ends();
        assert_eq!(screen.code, 2, "{screen:?}");
        assert!(screen.text.contains("no room was given"), "{screen:?}");
        assert!(
            !screen.text.contains("Value of") && !screen.text.contains("Delete"),
            "{screen:?}"
        );
    }
}

/// What is repeated of a command line that cannot be parsed is escaped on a terminal too.
#[test]
fn a_bad_argument_cannot_steer_the_terminal() {
    let env = TestEnv::new();
    for argument in ["a\x1b[2Jb", "a\x07b"] {
        for arguments in [&["get", argument][..], &["get", "a", argument], &[argument]] {
            let screen = shown(&env, arguments);
            assert_eq!(screen.code, 2, "{screen:?}");
            assert!(screen.text.contains("a\\u{"), "{screen:?}");
            assert!(!screen.text.contains(argument), "{screen:?}");
        }
    }
}

#[test]
fn nothing_typed_is_no_value() {
    let env = TestEnv::new();
    for (keys, why) in [
        ("\r", "error: the value is empty\r\n"),
        ("\x04", "error: nothing was typed\r\n"),
    ] {
        let mut terminal = prompting(&env);
        terminal.types(keys);
        let screen = terminal.ends();
        assert_eq!(screen.code, 2, "{screen:?}");
        let error = screen.text.strip_prefix(&format!("\r\n{PASTES_UNMARKED}"));
        assert!(error.is_some_and(|error| error.starts_with(why)), "{screen:?}");
        assert!(screen.echo, "{screen:?}");
    }
    assert!(!env.data_dir().exists());
}

#[test]
fn no_input_prompts_for_nothing() {
    let env = TestEnv::new();
    env.local().set("a", "x");
    let screen = shown(&env, &["set", "b", "--no-input"]);
    assert_eq!(screen.code, 2, "{screen:?}");
    assert!(screen.text.contains("no value was given"), "{screen:?}");
    for arguments in [
        &["delete", "a", "--no-input"][..],
        &["delete-requested", "--url", "https://a", "--no-input"],
    ] {
        let screen = shown(&env, arguments);
        assert_eq!(screen.code, 2, "{screen:?}");
        assert!(screen.text.contains("pass --yes"), "{screen:?}");
    }
    assert_eq!(env.local().get("a"), b"x");
    let screen = shown(&env, &["delete", "a", "--no-input", "--yes"]);
    assert_eq!(screen.code, 0, "{screen:?}");
    env.local().secret(["get", "a"]).run().refuses(3);
}

/// A person who has sent stderr elsewhere would not see the question.
#[test]
fn delete_refuses_where_the_question_would_not_be_seen() {
    let env = TestEnv::new();
    env.local().set("a", "x");
    let script = r#""$0" room secret delete a 2>err.log"#;
    let call = env
        .program("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_meshagent")])
        .env("MESHAGENT_LOCAL", "1")
        .env("MESHAGENT_ROOM", "room");
    let screen = Terminal::run(call).ends();
    assert_eq!(screen.code, 2, "{screen:?}");
    assert_eq!(env.local().get("a"), b"x");
    // A pipeline is not asked.
    env.local().secret(["delete", "a"]).run().succeeds();
    env.local().secret(["get", "a"]).run().refuses(3);
}

#[test]
fn what_could_steer_the_terminal_is_not_written_to_it() {
    let env = TestEnv::new();
    for value in [
        &b"\xff\xfe"[..],
        b"a\0b",
        b"\x1b[2J",
        b"a\rb",
        "\u{9b}31m".as_bytes(),
    ] {
        env.local().set("a", value);
        let screen = shown(&env, &["get", "a"]);
        assert_eq!(screen.code, 1, "{screen:?}");
        assert!(
            screen.text.starts_with("error: the value is binary"),
            "{screen:?}"
        );
        assert!(screen.text.contains("--out"), "{screen:?}");
    }
    env.local().set("a", "a\x1b[1mb");
    let insisted = shown(&env, &["get", "a", "--out", "-"]);
    assert_eq!((insisted.code, insisted.text.as_str()), (0, "a\x1b[1mb\r\n"));
}

#[test]
fn a_newline_is_added_where_there_is_none() {
    let env = TestEnv::new();
    for (value, expected) in [
        ("value", "value\r\n"),
        ("value\n", "value\r\n"),
        ("t\u{e4}\tb", "t\u{e4}\tb\r\n"),
    ] {
        env.local().set("a", value);
        let screen = shown(&env, &["get", "a"]);
        assert_eq!((screen.code, screen.text.as_str()), (0, expected));
    }
}

#[test]
fn a_list_is_a_table_that_fits() {
    let env = TestEnv::new();
    let empty = shown(&env, &["list"]);
    assert!(empty.text.starts_with("There are no secrets"), "{empty:?}");
    env.local().set("short", "x");
    let long = "a-very-long-identifier-".repeat(4);
    env.local().set(&long, "x");
    let screen = shown(&env, &["list"]);
    let lines: Vec<&str> = screen.text.lines().collect();
    assert_eq!(lines.len(), 3, "{screen:?}");
    assert!(lines[0].starts_with("ID  "), "{screen:?}");
    // The id is whole, whatever it takes; the rest gives way.
    assert!(
        lines[1].starts_with(&format!("{long}  applica\u{2026}  20")),
        "{screen:?}"
    );
    env.local().secret(["delete", &long]).run().succeeds();
    env.local().set("production/payments/key", "x");
    let screen = shown(&env, &["list"]);
    let fits = |line: &str| line.chars().count() <= 60;
    assert!(screen.text.lines().all(fits), "{screen:?}");
    assert!(
        screen
            .text
            .contains("production/payments/key  application/\u{2026}  20"),
        "{screen:?}"
    );
    let json = shown(&env, &["list", "--output", "json"]);
    assert!(json.text.starts_with('['), "{json:?}");
}

#[test]
fn delete_asks() {
    let env = TestEnv::new();
    for (keys, code) in [
        ("n\r", 1),
        ("\r", 1),
        ("yess\r", 1),
        ("\x04", 1),
        ("\x03", 130),
        ("Y\r", 0),
    ] {
        env.local().set("a", "x");
        let mut terminal = secret(&env, &["delete", "a"]);
        let question = "Delete a from room room? It cannot be brought back. [y/N] ";
        assert_eq!(terminal.shows(question), ASKED_OF_TERMINAL);
        terminal.types(keys);
        let screen = terminal.ends();
        // What comes next has a line of its own.
        let (_, after) = screen.text.split_once(&format!("\r\n{PASTES_UNMARKED}")).unwrap();
        let expected = if code == 1 {
            "error: nothing was deleted\r\n"
        } else {
            ""
        };
        assert!(code == 0 || after == expected, "{keys:?} {screen:?}");
        assert_eq!(screen.code, code, "{keys:?} {screen:?}");
        let there = env.local().secret(["exists", "a"]).run().succeeds();
        assert_eq!(there.out(), if code == 0 { "false\n" } else { "true\n" });
    }
    env.local().set("a", "x");
    let screen = shown(&env, &["delete", "a", "--yes"]);
    assert_eq!(screen.code, 0, "{screen:?}");
    assert!(!screen.text.contains("[y/N]"), "{screen:?}");
}

#[test]
fn what_is_asked_cannot_steer_the_terminal() {
    let env = TestEnv::new();
    let mut terminal = secret(
        &env,
        &["delete", "a\u{202e}b", "c", "--delegated-to", "b\u{202e}ob"],
    );
    terminal.shows(
        "Delete a\\u{202e}b, c, delegated to b\\u{202e}ob, from room room? They cannot be brought back. [y/N] ",
    );
    terminal.types("n\r");
    assert_eq!(terminal.ends().code, 1);
}

#[test]
fn colour_is_for_terminals_that_want_it() {
    let env = TestEnv::new();
    let get = || env.local().secret(["get", "gone"]);
    assert!(
        Terminal::run(get())
            .ends()
            .text
            .starts_with("\x1b[1;31merror:\x1b[0m ")
    );
    for plain in [
        get().env("NO_COLOR", "1"),
        get().env("TERM", "dumb"),
        get().arg("--color=never"),
    ] {
        assert!(Terminal::run(plain).ends().text.starts_with("error: "));
    }
    let ran = get().arg("--color=always").run().ends_with(3);
    assert!(ran.err().starts_with("\x1b["));
    get().run().refuses(3);
}
