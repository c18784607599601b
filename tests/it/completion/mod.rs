//! Completion in the real shells.

mod hostile;

use std::path::Path;

use crate::support::{Call, Provider, Ran, Terminal, TestEnv, TestServer};

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

/// What bash would put onto the line for its last word.
fn bash_call(env: &TestEnv, line: &str) -> Call {
    let script = r#"
        . "$1"
        COMP_LINE=$2 COMP_POINT=${#2}
        _meshagent meshagent "${2##*[ =:]}" ""
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/completions/meshagent.bash");
    shell(env, "bash", &["--norc", "-c", script, "bash", file, line])
}

fn bash(env: &TestEnv, line: &str) -> Ran {
    bash_call(env, line).run().succeeds()
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
fn the_scripts_of_the_project_are_those_of_the_program() {
    let env = TestEnv::new();
    for (shell, file) in [
        ("bash", "meshagent.bash"),
        ("zsh", "_meshagent"),
        ("fish", "meshagent.fish"),
        ("elvish", "meshagent.elv"),
        ("powershell", "meshagent.ps1"),
    ] {
        let ran = env.call(["completion", shell]).run().succeeds();
        let script = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("completions")
            .join(file);
        assert_eq!(ran.out(), std::fs::read_to_string(script).unwrap(), "{shell}");
    }
}

/// What the program answers to a shell's script.
fn answer(env: &TestEnv, shell: &str, words: &[&str]) -> String {
    let call = env.call(["--"]).args(words).env("MESHAGENT_COMPLETE", shell);
    let ran = call.env("MESHAGENT_ROOM", "room").run().succeeds();
    ran.out().to_owned()
}

#[test]
fn elvish_gets_values_that_it_quotes_itself() {
    let env = TestEnv::new();
    env.local().set("a;b 'c'", "x");
    let words = ["meshagent", "room", "secret", "get", "--local", ""];
    assert_eq!(answer(&env, "elvish", &words), "a;b 'c'\n");
}

#[test]
fn powershell_gets_words_in_quotes() {
    let env = TestEnv::new();
    env.local().set("a;b 'c'", "x");
    env.local().set("a\"b", "x");
    env.local().set("plain", "x");
    let get = ["meshagent", "room", "secret", "get", "--local"];
    let words = [&get[..], &["='a"]].concat();
    let quoted = "'a;b ''c'''\ta;b 'c'\tapplication/octet-stream\n";
    assert_eq!(answer(&env, "powershell", &words), quoted);
    let words = [&get[..], &["="]].concat();
    let plain = "plain\tplain\tapplication/octet-stream\n";
    assert_eq!(answer(&env, "powershell", &words), format!("{quoted}{plain}"));
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
    env.local().set("turned\u{200b}round", "x");
    assert_eq!(bash(&env, "meshagent room secret get --local ").out(), "plain\n");
}

#[test]
fn flags_are_offered_after_a_hyphen_alone() {
    let env = room();
    let out = |line: &str| bash(&env, line).out().to_owned();
    assert_eq!(
        out("meshagent room secret delete --local "),
        "db/password\ndb/user\nsmtp\n"
    );
    assert_eq!(out("meshagent room secret delete --local --ye"), "--yes\n");
    assert!(out("meshagent room secret delete --local -").contains("--timeout\n"));
}

#[test]
fn an_id_that_looks_like_a_flag_is_offered_where_it_is_taken_for_an_id() {
    let env = TestEnv::new();
    let set = env.local().secret(["set", "--id", "-x y"]);
    set.stdin("x").run().succeeds();
    let out = |line: &str| bash(&env, line).out().trim().to_owned();
    assert_eq!(out("meshagent room secret get --local "), "");
    assert!(!out("meshagent room secret get --local -").contains("-x"));
    assert_eq!(out("meshagent room secret get --local --id "), "'-x y'");
    assert_eq!(out("meshagent room secret get --local --id="), "'-x y'");
    assert_eq!(out("meshagent room secret get --local -- "), "'-x y'");
}

#[test]
fn ids_are_offered_after_the_name_of_a_variable() {
    let env = room();
    env.local().set("https://a.example/b", "x");
    let out = |line: &str| bash(&env, line).out().to_owned();
    let run = "meshagent room secret run --local --env-secret";
    assert_eq!(out(&format!("{run} PW=db/p")), "db/password\n");
    assert_eq!(
        out(&format!("{run} PW=")),
        "db/password\ndb/user\nhttps://a.example/b\nsmtp\n"
    );
    assert_eq!(out(&format!("{run}=PW=sm")), "smtp\n");
    assert_eq!(out(&format!("{run} PW=https:")), "//a.example/b\n");
    assert_eq!(out(&format!("{run} PW")), "\n");
    assert_eq!(out("meshagent room secret get --local https:"), "//a.example/b\n");
}

#[test]
fn provide_is_offered_sources() {
    let env = room();
    env.local().set("a=b", "x");
    env.write("key file", "x");
    let out = |source: &str| {
        let line = format!("meshagent room secret provide --local --secret https://db.example/={source}");
        bash(&env, &line).out().to_owned()
    };
    let all = out("");
    for kind in ["file:", "id:", "env:"] {
        assert!(all.contains(kind), "{all}");
    }
    assert_eq!(out("i"), "id:\n");
    // The command splits at the last `=`: an id with one in it cannot be given.
    assert_eq!(out("id:"), "db/password\ndb/user\nsmtp\n");
    assert_eq!(out("file:ke"), "'key file'\n");
    assert_eq!(out("env:USE"), "USER\n");
}

#[test]
fn participants_are_offered_by_name_and_by_id() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let name = "ada $(touch x)";
    let provider = Provider::start(&server.with_token(name, "room"), &[]);
    let token = server.token("bob", "room", false);
    let out = |flag: &str| {
        let call = bash_call(&env, &format!("meshagent room secret request {flag}"));
        let call = call.env("MESHAGENT_TOKEN", &token);
        let call = call.env(
            "MESHAGENT_API_URL",
            server.client_env()["MESHAGENT_API_URL"].as_str(),
        );
        call.run().succeeds().out().to_owned()
    };
    assert_eq!(out("--from "), format!("'{name}'\n"));
    assert_eq!(out("--from=ada"), format!("'{name}'\n"));
    assert_eq!(out("--from-participant-id "), format!("{}\n", provider.id));
}
