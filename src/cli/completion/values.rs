//! Values that a room knows: ids of secrets, and participants. What an argument takes depends on its place in
//! the command tree and the name of its value.

use std::ffi::OsStr;
use std::sync::OnceLock;

use clap::{Arg, Command};
use clap_complete::CompletionCandidate;
use clap_complete::engine::{ArgValueCompleter, PathCompleter, ValueCompleter};

use super::room;
use crate::cli::ui::text::escape_name;
use crate::settings::Overrides;

/// What the id of a candidate starts with that is the beginning of a value.
pub(super) const PART: &str = "part::";

/// What the id of a candidate starts with that is a name in the room.
const NAME: &str = "name::";

/// What the words before the cursor say about the room. The library gives a completer nothing but the word at
/// the cursor.
static OVERRIDES: OnceLock<Overrides> = OnceLock::new();

/// Keeps what the words before the cursor say for the completers. A process completes one line.
pub(super) fn remember(overrides: Overrides) {
    let _ = OVERRIDES.set(overrides);
}

/// The whole command tree, with completers for what a room knows.
pub(in crate::cli) fn with_values(mut command: Command) -> Command {
    command.build();
    command.mut_subcommand("room", |room| {
        room.mut_subcommand("secret", |secret| secret.mut_subcommands(with_completers))
    })
}

fn with_completers(command: Command) -> Command {
    command.mut_args(|argument| match completer(&argument) {
        Some(completer) => argument.add(completer),
        None => argument,
    })
}

fn completer(argument: &Arg) -> Option<ArgValueCompleter> {
    let value = argument.get_value_names()?.first()?.as_str();
    Some(match (argument.get_long(), value) {
        (Some("from"), _) => ArgValueCompleter::new(participant_names),
        (Some("from-participant-id"), _) => ArgValueCompleter::new(participant_ids),
        (None | Some("id"), "ID") => ArgValueCompleter::new(secret_ids),
        (_, "NAME=ID") => ArgValueCompleter::new(env_secrets),
        (_, "URL=SOURCE") => ArgValueCompleter::new(secret_sources),
        _ => return None,
    })
}

/// The ids of secrets, with their types.
fn secret_ids(typed: &OsStr) -> Vec<CompletionCandidate> {
    let secrets = OVERRIDES.get().and_then(room::secrets).unwrap_or_default();
    let secrets = secrets.into_iter().map(|secret| (secret.id, secret.secret_type));
    names(typed, secrets.collect())
}

/// `NAME=ID`. The name is the user's own.
fn env_secrets(typed: &OsStr) -> Vec<CompletionCandidate> {
    let Some((name, id)) = typed.to_str().and_then(|typed| typed.split_once('=')) else {
        return Vec::new();
    };
    prefixed(secret_ids(OsStr::new(id)), &format!("{name}="))
}

/// `URL=SOURCE`, which the command splits at the last `=`. The URL is the user's own.
fn secret_sources(typed: &OsStr) -> Vec<CompletionCandidate> {
    let Some((url, source)) = typed.to_str().and_then(|typed| typed.rsplit_once('=')) else {
        return Vec::new();
    };
    let candidates = match source.split_once(':') {
        Some(("file", path)) => prefixed(PathCompleter::any().complete(OsStr::new(path)), "file:"),
        Some(("id", id)) => prefixed(secret_ids(OsStr::new(id)), "id:"),
        Some(("env", name)) => prefixed(variables(name), "env:"),
        _ => sources(source),
    };
    let mut candidates = prefixed(candidates, &format!("{url}="));
    let end = url.len();
    candidates.retain(|candidate| candidate.get_value().to_string_lossy().rfind('=') == Some(end));
    candidates
}

/// How a source begins: with its kind, or it is a path.
fn sources(typed: &str) -> Vec<CompletionCandidate> {
    let kinds = [
        ("file:", "a file"),
        ("id:", "a secret of yours"),
        ("env:", "a variable of the environment"),
    ];
    let mut candidates: Vec<CompletionCandidate> = kinds
        .into_iter()
        .filter(|(kind, _)| kind.starts_with(typed))
        .map(|(kind, help)| {
            CompletionCandidate::new(kind)
                .id(Some(format!("{PART}{kind}")))
                .help(Some(help.into()))
        })
        .collect();
    candidates.extend(PathCompleter::any().complete(OsStr::new(typed)));
    candidates
}

fn variables(typed: &str) -> Vec<CompletionCandidate> {
    let variables = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names(
        OsStr::new(typed),
        variables.map(|name| (name, String::new())).collect(),
    )
}

/// The names of the participants that are present.
fn participant_names(typed: &OsStr) -> Vec<CompletionCandidate> {
    let present = OVERRIDES.get().and_then(room::participants).unwrap_or_default();
    names(
        typed,
        present
            .into_iter()
            .filter_map(|(id, name)| Some((name?, id)))
            .collect(),
    )
}

/// The ids of the participants that are present, with their names.
fn participant_ids(typed: &OsStr) -> Vec<CompletionCandidate> {
    let present = OVERRIDES.get().and_then(room::participants).unwrap_or_default();
    let named = present
        .into_iter()
        .map(|(id, name)| (id, name.unwrap_or_default()));
    names(typed, named.collect())
}

/// The names that begin with what was typed, each once and with its description, in order.
fn names(typed: &OsStr, mut names: Vec<(String, String)>) -> Vec<CompletionCandidate> {
    let Some(typed) = typed.to_str() else {
        return Vec::new();
    };
    // What is shown as something else than it is cannot be chosen from a list either.
    names.retain(|(name, _)| name.starts_with(typed) && escape_name(name) == *name);
    names.sort();
    names.dedup_by(|a, b| a.0 == b.0);
    let candidate = |(name, help): (String, String)| {
        // The library drops a candidate whose id was seen before.
        CompletionCandidate::new(&name)
            .id(Some(format!("{NAME}{name}")))
            .help(Some(escape_name(&help).into()))
    };
    names.into_iter().map(candidate).collect()
}

fn prefixed(candidates: Vec<CompletionCandidate>, prefix: &str) -> Vec<CompletionCandidate> {
    let candidates = candidates.into_iter();
    candidates.map(|candidate| candidate.add_prefix(prefix)).collect()
}
