//! The rules file: TOML, checked as a whole before the first answer. An error names its line and
//! column.

mod entry;
#[cfg(test)]
#[path = "../../../../tests/fuzz/rules_file.rs"]
mod fuzz;
#[cfg(test)]
mod tests;
mod values;

use std::io::ErrorKind;
use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use self::entry::Entry;
use super::rules::Rule;
use crate::cli::error::{CommandError, Kind};
use crate::settings::Environment;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    rule: Vec<Spanned<Entry>>,
}

/// Something that is wrong, and where.
#[derive(Debug)]
pub(super) struct Mistake {
    at: Range<usize>,
    what: String,
}

impl Mistake {
    fn new(at: Range<usize>, what: impl Into<String>) -> Self {
        Self {
            at,
            what: what.into(),
        }
    }

    fn of<T>(spanned: &Spanned<T>, what: impl Into<String>) -> Self {
        Self::new(spanned.span(), what)
    }
}

/// Reads a rules file. Paths in it start from the directory that it is in.
pub(super) fn read(path: &Path, environment: &Environment) -> anyhow::Result<Vec<Rule>> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| {
        // What is no text is a fault of what is in it.
        let kind = if error.kind() == ErrorKind::InvalidData {
            Kind::Usage
        } else {
            Kind::Failed
        };
        CommandError::new(kind, format!("the rules file {shown} cannot be read: {error}"))
            .hint("check the path that --rules names")
    })?;
    let directory = path.parent().unwrap_or(Path::new(""));
    parse(&text, directory, environment).map_err(|mistake| {
        let (line, column) = position(&text, mistake.at.start);
        CommandError::new(
            Kind::Usage,
            format!("{shown}, line {line}, column {column}: {}", mistake.what),
        )
        .hint("`meshagent room secret provide --help` says what may stand in the file; nobody was answered")
        .into()
    })
}

/// Line and column of a byte, both from 1; columns are counted in characters.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(line_start..).unwrap_or_default().chars().count();
    (before.matches('\n').count() + 1, column + 1)
}

pub(super) fn parse(text: &str, directory: &Path, environment: &Environment) -> Result<Vec<Rule>, Mistake> {
    let file: File = toml::from_str(text).map_err(|error| {
        Mistake::new(
            error.span().unwrap_or_default(),
            error.message().replace('\n', " "),
        )
    })?;
    file.rule
        .into_iter()
        .zip(1..)
        .map(|(entry, number)| {
            let at = entry.span();
            entry.into_inner().into_rule(at, number, directory, environment)
        })
        .collect()
}
