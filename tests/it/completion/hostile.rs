//! Ids that others chose, in interactive shells: TAB, then Enter.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Map, Value};

use super::shell;
use crate::support::{Call, Terminal, TestEnv, hostile_ids, hostile_words};

const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/completions");

/// The command line before the ids. fish sets USER to the name of the real user.
const DELETE: &str = "meshagent room secret delete --local --identity alice";

/// Stands for the program in `PATH`: it completes as the program does, and otherwise writes down the arguments
/// that it was given. What is printed at the end is not on the line that is typed.
const RECORDER: &str = r#"#!/bin/sh
[ -z "$MESHAGENT_COMPLETE" ] || exec PROGRAM "$@"
printf '%s\0' "$@" >"$RECORD"
printf '[%s]\n' recorded
"#;

/// An interactive shell with completion, in a room with secrets of these ids.
struct Session {
    env: TestEnv,
    terminal: Terminal,
}

impl Session {
    fn start(ids: &[String], call: impl FnOnce(&TestEnv) -> Call) -> Self {
        let env = TestEnv::new();
        let secrets: Map<String, Value> = ids.iter().map(|id| (id.clone(), "x".into())).collect();
        let file = env.write("ids.json", Value::Object(secrets).to_string());
        let import = env.local().secret(["import", "--format", "json"]);
        import.arg(&file).run().succeeds();
        fs::remove_file(file).unwrap();
        // What an unquoted pattern would match.
        env.write("k", "");
        let folder = env.root().join("bin");
        fs::create_dir(&folder).unwrap();
        let program = folder.join("meshagent");
        fs::write(
            &program,
            RECORDER.replace("PROGRAM", env!("CARGO_BIN_EXE_meshagent")),
        )
        .unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
        let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
        let call = call(&env).env("PATH", path).env("LANG", "C.UTF-8");
        let mut terminal = Terminal::run(call.env("RECORD", env.root().join("record")));
        terminal.shows("ready> ");
        Self { env, terminal }
    }

    fn bash(ids: &[String]) -> Self {
        Self::bash_that(ids, &format!(". {SCRIPTS}/meshagent.bash"))
    }

    /// bash that gets the script by this command.
    fn bash_that(ids: &[String], sources: &str) -> Self {
        Self::start(ids, |env| {
            let options = "bind 'set enable-bracketed-paste off'; PS1='ready> '";
            let file = env.root().join("bashrc");
            fs::write(&file, format!("{sources}\n{options}\n")).unwrap();
            let arguments = ["--noprofile", "--rcfile", file.to_str().unwrap(), "-i"];
            shell(env, "bash", &arguments)
        })
    }

    fn zsh(ids: &[String]) -> Self {
        Self::start(ids, |env| {
            let start = "autoload -Uz compinit; compinit -u -D; PS1='ready> '";
            let file = env.root().join(".zshrc");
            fs::write(&file, format!("fpath=({SCRIPTS} $fpath); {start}\n")).unwrap();
            shell(env, "zsh", &["-i"]).env("ZDOTDIR", env.root())
        })
    }

    fn fish(ids: &[String]) -> Self {
        Self::start(ids, |env| {
            let prompt = "function fish_prompt; echo 'ready> '; end";
            let start = format!("source {SCRIPTS}/meshagent.fish; {prompt}");
            shell(env, "fish", &["--no-config", "-i", "-C", &start])
        })
    }

    /// The arguments that the program was given for this line, behind those of `command`. Nothing else ran.
    fn runs(&mut self, command: &str, line: &str) -> Vec<String> {
        let record = self.env.root().join("record");
        drop(fs::remove_file(&record));
        self.terminal.types(&format!("{command} {line}\r"));
        self.terminal.shows("[recorded]");
        assert_eq!(self.env.files(), ["k"], "{line}");
        let written = fs::read_to_string(&record).unwrap();
        let arguments = written.split_terminator('\0').map(str::to_owned);
        arguments.skip(command.split(' ').count() - 1).collect()
    }

    fn leave(mut self) {
        self.terminal.types("exit\r");
        assert_eq!(self.terminal.ends().code, 0);
    }
}

/// The beginning of each id, each followed by TAB and a space.
fn tabs(ids: &[String], beginning: impl Fn(&str) -> String) -> String {
    let beginnings: Vec<String> = ids.iter().map(|id| beginning(id)).collect();
    beginnings.join("\t ") + "\t"
}

/// bash and zsh close the quote in which a word began.
fn always(_: &str) -> bool {
    true
}

/// fish leaves the quote open behind what may go on, as a path or an assignment does.
fn in_fish(id: &str) -> bool {
    !id.ends_with(['/', '=', '@', ':', '.', ',', '-'])
}

/// Completes ids that begin without quotes, in single quotes and in double quotes.
fn completes_words(start: impl FnOnce(&[String]) -> Session, closes: impl Fn(&str) -> bool) {
    let mut ids = hostile_words();
    let mut session = start(&ids);
    for quote in ["", "'", "\""] {
        ids.retain(|id| quote.is_empty() || closes(id));
        let line = tabs(&ids, |id| format!("{quote}{}", &id[..3]));
        assert_eq!(session.runs(DELETE, &line), ids, "{quote}");
    }
    session.leave();
}

/// Completes ids that begin with each punctuation character, escaped or in single quotes.
fn completes_punctuation(start: impl FnOnce(&[String]) -> Session, closes: impl Fn(&str) -> bool) {
    let mut ids = hostile_ids();
    assert_eq!(ids.len(), 32);
    // What begins with a hyphen is taken for a flag, and not offered here.
    ids.retain(|id| !id.starts_with('-'));
    let mut session = start(&ids);
    let escaped = tabs(&ids, |id| format!("\\{}", &id[..2]));
    assert_eq!(session.runs(DELETE, &escaped), ids);
    ids.retain(|id| !id.starts_with('\'') && closes(id));
    let quoted = tabs(&ids, |id| format!("'{}", &id[..2]));
    assert_eq!(session.runs(DELETE, &quoted), ids);
    session.leave();
}

#[test]
fn bash_gets_hostile_ids_as_one_word_each() {
    completes_words(Session::bash, always);
}

#[test]
fn bash_gets_punctuation_as_one_word() {
    completes_punctuation(Session::bash, always);
}

#[test]
fn zsh_gets_hostile_ids_as_one_word_each() {
    completes_words(Session::zsh, always);
}

#[test]
fn zsh_gets_punctuation_as_one_word() {
    completes_punctuation(Session::zsh, always);
}

#[test]
fn fish_gets_hostile_ids_as_one_word_each() {
    completes_words(Session::fish, in_fish);
}

#[test]
fn fish_gets_punctuation_as_one_word() {
    completes_punctuation(Session::fish, in_fish);
}

/// What each shell would do something else with than pass it on, in front of a word.
const ALONE: [&str; 24] = [
    "=sh",
    "#none",
    "!!",
    "!x",
    "$(touch x)",
    "`touch x`",
    ";touch x",
    "&touch x",
    "|touch x",
    ">x",
    "*",
    "?",
    "{a,b}",
    "%1",
    "^a^b",
    "'x",
    "\"x",
    "\\x",
    "@x",
    "+x",
    "[k]",
    "é",
    "~root",
    "~",
];

/// Completes the only id of an identity where nothing was typed. What is `left_out` is not offered.
fn completes_nothing_typed(start: impl FnOnce(&[String]) -> Session, left_out: &[&str]) {
    let mut session = start(&[]);
    for (number, id) in ALONE.into_iter().enumerate() {
        let identity = format!("i{number}");
        session.env.local_as(&identity).set(id, "x");
        let command = format!("meshagent room secret delete --local --identity {identity}");
        let given = session.runs(&command, "\t");
        if left_out.contains(&id) {
            assert_eq!(given, [""; 0]);
        } else {
            assert_eq!(given, [id]);
        }
    }
    session.leave();
}

#[test]
fn bash_gets_the_only_id_as_one_word() {
    completes_nothing_typed(Session::bash, &[]);
}

#[test]
fn zsh_gets_the_only_id_as_one_word() {
    completes_nothing_typed(Session::zsh, &[]);
}

#[test]
fn fish_gets_the_only_id_as_one_word() {
    completes_nothing_typed(Session::fish, &["~root", "~"]);
}

/// Completes an id behind `NAME=`, where the word began with and without a quote.
fn completes_variables(start: impl FnOnce(&[String]) -> Session) {
    let ids = ["k$(touch x)", "https://a.example/'b c'"].map(str::to_owned);
    let mut session = start(&ids);
    let command = "meshagent room secret run --local --identity alice";
    let line = "--env-secret A=k\t --env-secret B='ht\t --env-secret 'C=ht\t --env-secret D=https:\t -- true";
    let given = session.runs(command, line);
    let values = ["A", "B", "C", "D"].map(|name| format!("{name}={}", ids[usize::from(name != "A")]));
    let flags: Vec<&str> = values
        .iter()
        .flat_map(|value| ["--env-secret", value])
        .chain(["--", "true"])
        .collect();
    assert_eq!(given, flags);
    session.leave();
}

#[test]
fn bash_completes_ids_behind_the_name_of_a_variable() {
    completes_variables(Session::bash);
}

#[test]
fn zsh_completes_ids_behind_the_name_of_a_variable() {
    completes_variables(Session::zsh);
}

#[test]
fn fish_completes_ids_behind_the_name_of_a_variable() {
    completes_variables(Session::fish);
}

/// The script as the package bash-completion sources it, at the first TAB behind the name of the command.
#[test]
fn bash_loads_the_script_at_the_first_tab() {
    let ids = ["k$(touch x)".to_owned()];
    let load = format!("load() {{ . {SCRIPTS}/meshagent.bash && return 124; }}; complete -D -F load");
    let mut session = Session::bash_that(&ids, &load);
    assert_eq!(session.runs(DELETE, "\t"), ids);
    session.leave();
}

#[test]
fn bash_puts_a_common_beginning_onto_the_line_in_quotes() {
    let ids = ["k$(touch x)a", "k$(touch x)'b"].map(str::to_owned);
    let mut session = Session::bash(&ids);
    for beginning in ["k", "'k", "\"k"] {
        let given = session.runs(DELETE, &format!("{beginning}\ta\t {beginning}\t'\\''b\t"));
        assert_eq!(given, ids, "{beginning}");
    }
    session.leave();
}

#[test]
fn bash_puts_all_candidates_onto_the_line_in_quotes() {
    let ids = ["k$(touch x)", "k';touch x;'"].map(str::to_owned);
    let mut session = Session::bash(&ids);
    // Meta-* inserts all of them.
    for beginning in ["k", "'k", "\"k"] {
        let mut given = session.runs(DELETE, &format!("{beginning}\x1b*"));
        given.sort();
        assert_eq!(given, ids, "{beginning}");
    }
    session.leave();
}
