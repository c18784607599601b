//! From errors to exit codes: the one place where that is decided.

mod classify;
mod classify_account;
mod command_error;
mod interrupted;
mod kind;
mod sign_in;

use std::process::ExitCode;

use clap::ValueEnum;
use serde_json::json;

use self::classify::{Classified, classify};
pub(super) use self::command_error::CommandError;
pub(super) use self::interrupted::Interrupted;
pub(super) use self::kind::Kind;
pub(super) use self::sign_in::{GivenUp, NoWayBack};
use crate::net::reason;

/// How a command ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It did what it was asked.
    Done,
    /// It was asked whether something is there, and it is not.
    Absent,
    /// It ran another command, which ended with this code.
    #[cfg(not(unix))]
    Ran(u8),
}

impl Outcome {
    pub(super) fn exit_code(self) -> ExitCode {
        match self {
            Self::Done => ExitCode::SUCCESS,
            Self::Absent => ExitCode::from(Kind::NotFound.exit_code()),
            #[cfg(not(unix))]
            Self::Ran(code) => ExitCode::from(code),
        }
    }
}

/// Form of errors on stderr.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum ErrorFormat {
    /// A sentence and a hint.
    #[default]
    Text,
    /// One line of JSON.
    Json,
}

/// An error as the user sees it.
#[derive(Debug)]
pub(super) struct Failure {
    kind: Kind,
    pub(super) message: String,
    pub(super) hint: Option<String>,
    pub(super) retryable: bool,
}

impl Failure {
    /// Folds any error of a command.
    pub(super) fn of(error: &anyhow::Error) -> Self {
        let Classified {
            kind,
            hint,
            retryable,
        } = classify(error);
        Self {
            kind,
            message: reason(error.as_ref()),
            hint,
            retryable,
        }
    }

    /// A command line that could not be parsed.
    pub(super) fn usage(error: &clap::Error) -> Self {
        let rendered = error.render().to_string();
        let lines: Vec<&str> = rendered
            .lines()
            .map(str::trim)
            .take_while(|line| !line.is_empty())
            .collect();
        let message = lines.join(" ").trim_start_matches("error: ").to_owned();
        let hint = Some("try '--help'".to_owned());
        Self {
            kind: Kind::Usage,
            message,
            hint,
            retryable: false,
        }
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.kind.exit_code())
    }

    /// Whether the exit code says it all.
    pub(super) const fn is_silent(&self) -> bool {
        matches!(
            self.kind,
            Kind::HungUp | Kind::Interrupted | Kind::Terminated | Kind::ClosedPipe
        )
    }

    pub(super) fn to_json(&self) -> String {
        json!({"error": {
            "kind": self.kind.name(),
            "message": self.message,
            "hint": self.hint,
            "retryable": self.retryable,
            "exit_code": self.kind.exit_code(),
        }})
        .to_string()
    }
}

/// One error that says all of these, if there are any; its kind and its hint are the first one's.
pub(super) fn together(mut errors: Vec<anyhow::Error>) -> anyhow::Result<()> {
    if errors.len() == 1 {
        return errors.pop().map_or(Ok(()), Err);
    }
    let mut failures = errors.iter().map(Failure::of);
    let Some(first) = failures.next() else {
        return Ok(());
    };
    let messages: Vec<String> = std::iter::once(first.message)
        .chain(failures.map(|failure| failure.message))
        .collect();
    Err(CommandError {
        kind: first.kind,
        message: messages.join("; "),
        hint: first.hint,
    }
    .into())
}

#[cfg(test)]
mod tests;
