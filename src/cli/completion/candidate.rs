//! What can stand where the cursor is.

use std::ffi::OsString;

use clap::Command;
use clap_complete::CompletionCandidate;
use clap_complete::engine::complete;

use super::line::Line;
use super::room::overrides;
use super::values;
use crate::cli::ui::text::escape;

/// A text that can stand at the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    /// The whole word, without quotes; no character of it is invisible or steers a terminal.
    pub(super) value: String,
    /// Its description: one line, or nothing.
    pub(super) help: String,
    /// Whether more is to be typed behind it: a directory, or the `id:` of a source.
    pub(super) is_part: bool,
    /// Whether it is a path, and no name from a room.
    pub(super) is_path: bool,
}

/// The candidates that begin with the word at the cursor.
pub(super) fn find(command: Command, line: &Line) -> Vec<Candidate> {
    values::remember(overrides(&command, &line.before));
    let mut command = values::with_values(command);
    let mut words: Vec<OsString> = line.before.iter().map(OsString::from).collect();
    let index = words.len();
    words.push(OsString::from(&line.word));
    let directory = std::env::current_dir().ok();
    let found = complete(&mut command, words, index, directory.as_deref()).unwrap_or_default();
    let leaf = leaf(&command, line);
    let found = found.iter().filter(|found| is_understood(found, leaf, line));
    let mut candidates: Vec<Candidate> = found.filter_map(|found| candidate(found, &line.word)).collect();
    candidates.dedup_by(|a, b| a.value == b.value);
    candidates
}

fn candidate(found: &CompletionCandidate, word: &str) -> Option<Candidate> {
    let value = found.get_value().to_str()?;
    if value.is_empty() || !value.starts_with(word) || escape(value) != value {
        return None;
    }
    let help = found.get_help().map(ToString::to_string).unwrap_or_default();
    // Whatever else the library or the room knows has an id.
    let is_path = found.get_id().is_none();
    let is_part = found
        .get_id()
        .map_or_else(|| value.ends_with('/'), |id| id.starts_with(values::PART));
    Some(Candidate {
        value: value.to_owned(),
        help: escape(help.lines().next().unwrap_or_default()),
        is_part,
        is_path,
    })
}

/// Whether the command would take the candidate for what it is. Flags are offered where a `-` was typed. A
/// value that begins with `-` would be read as a flag, unless it follows `--FLAG=` or `--`, or its flag takes
/// such values.
fn is_understood(found: &CompletionCandidate, leaf: &Command, line: &Line) -> bool {
    if found.get_id().is_some_and(|id| id.starts_with("arg::")) {
        return line.word.starts_with('-');
    }
    if !found.get_value().to_string_lossy().starts_with('-') || line.is_escaped() {
        return true;
    }
    let follows_flag = line.word.starts_with('-') && line.word.contains('=');
    // The tag is the argument that the value is for.
    let tag = found.get_tag().map(ToString::to_string).unwrap_or_default();
    let mut arguments = leaf.get_arguments();
    follows_flag
        || arguments.any(|argument| argument.is_allow_hyphen_values_set() && argument.to_string() == tag)
}

/// The command that the words before the cursor name.
fn leaf<'a>(command: &'a Command, line: &Line) -> &'a Command {
    let words = line.before.iter().skip(1);
    words.fold(command, |command, word| {
        command.find_subcommand(word).unwrap_or(command)
    })
}
