//! Text formats that commands read and write: files of secrets for `export` and `import`, templates, git's
//! credentials.

pub(in crate::cli) mod dotenv;
#[cfg(test)]
#[path = "../../../tests/fuzz/formats.rs"]
mod fuzz;
pub(in crate::cli) mod git_credential;
mod json;
pub(in crate::cli) mod syntax;
pub(in crate::cli) mod template;
pub(in crate::cli) mod yaml;

use std::collections::HashSet;

use clap::ValueEnum;

use self::dotenv::{Assignment, Names, Unwritable, docker};
use self::syntax::SyntaxError;
use super::error::{CommandError, Kind};
use super::ui::text::escape_name;
use crate::sensitive::SecretValue;
use crate::wire::{Identity, SecretId};

/// Form of a file of secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// NAME=VALUE in lines, quoted as shells want it.
    Env,
    /// A list of objects; holds binary values, types and names.
    Json,
    /// NAME=VALUE in lines, for docker's --env-file.
    Docker,
}

impl Format {
    /// What a file looks like: JSON starts with a bracket, the others never do.
    pub(super) fn guess(file: &[u8]) -> Self {
        let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
        match file.trim_ascii_start().first() {
            Some(b'[' | b'{') => Self::Json,
            _ => Self::Env,
        }
    }

    /// Why, and what to do about it, a value is not in a file of this form.
    fn unwritable(self, id: &SecretId, why: Unwritable) -> CommandError {
        let (file, hint) = match (self, why) {
            (Self::Docker, Unwritable::LineBreak) => (
                "docker's environment file",
                "--format env and --format json hold line breaks",
            ),
            (Self::Docker, _) => ("docker's environment file", "--format json holds any value"),
            (_, Unwritable::ShellVariable) => (
                "an environment file",
                "give it another name with --env-secret NAME=ID, or use --format json",
            ),
            _ => ("an environment file", "--format json holds any value"),
        };
        let message = format!(
            "the secret `{}` cannot be in {file}: {why}",
            escape_name(id.as_str())
        );
        CommandError::new(Kind::Failed, message).hint(hint)
    }
}

/// A secret in a file.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) id: SecretId,
    pub(super) secret_type: Option<String>,
    pub(super) name: Option<String>,
    pub(super) delegated_to: Option<Identity>,
    pub(super) value: SecretValue,
}

/// Appends a variable to a file of them: its name, the secret that it is set to, and the value.
pub(super) fn write_variable(
    format: Format,
    file: &mut SecretValue,
    (name, id): (&str, &SecretId),
    value: &SecretValue,
) -> Result<(), CommandError> {
    let write = if format == Format::Docker {
        docker::write
    } else {
        dotenv::write
    };
    write(file, name, value.expose()).map_err(|why| format.unwritable(id, why))
}

/// A JSON file of secrets.
pub(super) fn write_json(records: &[Record]) -> anyhow::Result<SecretValue> {
    json::write(records)
}

/// Reads a file, all of it or nothing. `shown` is what the file is called.
pub(super) fn read(format: Format, file: &SecretValue, shown: &str) -> anyhow::Result<Vec<Record>> {
    let bytes = file.expose();
    let hint = match format {
        Format::Env => "a line is NAME=VALUE; the value may be in quotes",
        Format::Docker => "a line is NAME=VALUE, without quotes",
        Format::Json => "see `meshagent room secret export --format json` for the form",
    };
    let refuse = |why: String| CommandError::new(Kind::Failed, format!("{shown}: {why}")).hint(hint);
    let syntax = |error: SyntaxError| refuse(error.to_string());
    let records = match format {
        Format::Env => of_variables(dotenv::parse(bytes, Names::Ids).map_err(syntax)?)?,
        Format::Docker => of_variables(docker::parse(bytes).map_err(syntax)?)?,
        Format::Json if dotenv::is_utf16(bytes) => return Err(syntax(dotenv::UTF16).into()),
        Format::Json => json::read(bytes).map_err(refuse)?,
    };
    Ok(records)
}

/// Refuses records of which two are for the same secret: nothing says which of them is meant.
pub(super) fn refuse_twins(records: &[Record], shown: &str) -> anyhow::Result<()> {
    let mut seen = HashSet::new();
    let twin = records
        .iter()
        .find(|record| !seen.insert((&record.id, &record.delegated_to)));
    let Some(twin) = twin else { return Ok(()) };
    let message = format!("{shown}: `{}` is in it twice", escape_name(twin.id.as_str()));
    Err(CommandError::new(Kind::Failed, message)
        .hint("leave one of them out")
        .into())
}

fn of_variables(assignments: Vec<Assignment>) -> anyhow::Result<Vec<Record>> {
    let record = |assignment: Assignment| {
        Ok(Record {
            id: SecretId::new(assignment.name)?,
            secret_type: None,
            name: None,
            delegated_to: None,
            value: assignment.value.into_exposed().into_bytes().into(),
        })
    };
    assignments.into_iter().map(record).collect()
}
