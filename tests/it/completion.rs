//! Completion in the real shells.

use std::path::Path;

use crate::support::{Call, Ran, Terminal, TestEnv};

/// The directory of the program that is tested, for `PATH`.
fn path() -> String {
    let directory = Path::new(env!("CARGO_BIN_EXE_meshagent")).parent().unwrap();
    format!("{}:{}", directory.display(), std::env::var("PATH").unwrap())
}

fn room() -> TestEnv {
    let env = TestEnv::new();
    env.local().set("db/password", "x");
    env.local().set("db/user", "x");
    env.local().set("smtp", "x");
    env
}

fn shell(env: &TestEnv, name: &str, arguments: &[&str]) -> Call {
    env.program(name)
        .args(arguments)
        .env("PATH", path())
        .env("MESHAGENT_ROOM", "room")
}

/// What bash would offer for the last of these words.
fn bash(env: &TestEnv, line: &str) -> Ran {
    let script = r#"
        . "$1"
        read -ra COMP_WORDS <<<"$2"
        [[ $2 == *" " ]] && COMP_WORDS+=("")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        COMP_TYPE=9
        _clap_complete_meshagent meshagent "${COMP_WORDS[COMP_CWORD]}" ""
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/completions/meshagent.bash");
    shell(env, "bash", &["--norc", "-c", script, "bash", file, line])
        .run()
        .succeeds()
}

#[test]
fn bash_completes_commands_flags_and_ids() {
    let env = room();
    assert_eq!(bash(&env, "meshagent room sec").out(), "secret\n");
    assert_eq!(bash(&env, "meshagent room secret list --out").out(), "--output\n");
    assert_eq!(
        bash(&env, "meshagent room secret list --output t").out(),
        "table\n"
    );
    assert_eq!(
        bash(&env, "meshagent room secret get --local db").out(),
        "db/password\ndb/user\n"
    );
    assert_eq!(
        bash(&env, "meshagent room secret delete --local smtp db/u").out(),
        "db/user\n"
    );
}

#[test]
fn fish_completes_commands_flags_and_ids() {
    let env = room();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/completions/meshagent.fish");
    let offered = |line: &str| {
        let script = format!("source {file}; complete --do-complete '{line}'");
        let ran = shell(&env, "fish", &["--no-config", "-c", &script])
            .run()
            .succeeds();
        let lines = ran
            .out()
            .lines()
            .map(|line| line.split('\t').next().unwrap().to_owned());
        lines.collect::<Vec<String>>()
    };
    assert_eq!(offered("meshagent room sec"), ["secret"]);
    assert_eq!(offered("meshagent room secret list --output t"), ["table"]);
    assert_eq!(
        offered("meshagent room secret get --local --identity alice db"),
        ["db/password", "db/user"]
    );
}

#[test]
fn zsh_completes_at_tab() {
    let env = room();
    let functions = concat!(env!("CARGO_MANIFEST_DIR"), "/completions");
    env.write(
        ".zshrc",
        format!("fpath=({functions} $fpath)\nautoload -Uz compinit\ncompinit -u -D\nPS1='ready> '\n"),
    );
    let home = env.file(".zshrc").parent().unwrap().to_owned();
    let mut terminal = Terminal::run(shell(&env, "zsh", &["-i"]).env("ZDOTDIR", home));
    terminal.shows("ready> ");
    // What is run is what TAB made of it: there is no secret `smt`, and no command `sec`.
    terminal.types("meshagent room sec\texists --local smt\t\r");
    terminal.shows("true");
    terminal.shows("ready> ");
    terminal.types("exit\r");
    assert_eq!(terminal.ends().code, 0);
}

#[test]
fn the_scripts_for_elvish_and_powershell_call_the_program() {
    let env = TestEnv::new();
    for (shell, marker) in [
        ("elvish", "edit:completion:arg-completer"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let ran = env.call(["completion", shell]).run().succeeds();
        assert!(
            ran.out().contains(marker) && ran.out().contains("MESHAGENT_COMPLETE"),
            "{shell}"
        );
    }
}

#[test]
fn where_the_room_cannot_be_asked_tab_is_silent_and_makes_nothing() {
    let env = TestEnv::new();
    for line in [
        "meshagent room secret get --local x",
        "meshagent room secret get --api-url http://127.0.0.1:1 x",
        "meshagent room secret get --api-url nonsense x",
        "meshagent room secret get --identity bob x",
    ] {
        let ran = bash(&env, line);
        assert_eq!((ran.out().trim(), ran.err()), ("", ""), "{line}");
    }
    assert!(!env.data_dir().exists());
}

#[test]
fn an_id_that_could_steer_the_terminal_is_not_offered() {
    let env = TestEnv::new();
    env.local().set("plain", "x");
    env.local().set("turned\u{202e}round", "x");
    assert_eq!(
        bash(&env, "meshagent room secret get --local ")
            .out()
            .lines()
            .filter(|line| !line.starts_with('-'))
            .collect::<Vec<_>>(),
        ["plain"]
    );
}
