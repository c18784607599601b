//! A command line that is not one: help and version are answers, everything else is wrong usage.
//!
//! What it says of colour and of the form of errors holds all the same.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory, ValueEnum};

use super::advice::{advice, reached};
use super::suggest;
use crate::cli::commands::Cli;
use crate::cli::error::{ErrorFormat, Failure};
use crate::cli::ui;
use crate::cli::ui::Ui;
use crate::cli::ui::options::{ColorChoice, GlobalArgs};
use crate::cli::ui::text::escape;

/// The command tree, in the colour that the command line asks for.
pub(in crate::cli) fn command(arguments: &[OsString]) -> Command {
    Cli::command().color(match given(arguments, "--color") {
        Some(ColorChoice::Always) => clap::ColorChoice::Always,
        Some(ColorChoice::Never) => clap::ColorChoice::Never,
        Some(ColorChoice::Auto) | None => clap::ColorChoice::Auto,
    })
}

/// Says what is wrong, or what was asked for.
pub(in crate::cli) fn answer(mut error: clap::Error, arguments: &[OsString]) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        // A closed pipe, as `--help | head` leaves it, is no failure.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let mut root = Cli::command();
    root.build();
    let command = reached(&root, arguments);
    let advice = advice(&error, command).map(|advice| Failure::of(&advice.into()));
    let is_advice = advice.is_some();
    suggest::improve(&mut error, &root, command);
    escape_context(&mut error);
    let failure = advice.unwrap_or_else(|| Failure::usage(&error));
    if given(arguments, "--error-format") == Some(ErrorFormat::Json) {
        ui::stderr::error_line(&failure.to_json());
    } else if is_advice {
        let global = GlobalArgs {
            color: given(arguments, "--color").unwrap_or_default(),
            ..GlobalArgs::silent()
        };
        Ui::new(&global).failure(&failure);
    } else {
        let _ = error.print();
    }
    failure.exit_code()
}

/// What an error repeats of the command line must not steer a terminal.
fn escape_context(error: &mut clap::Error) {
    let escaped: Vec<(ContextKind, ContextValue)> = error
        .context()
        .filter_map(|(kind, value)| match value {
            ContextValue::String(text) => Some((kind, ContextValue::String(escape(text)))),
            _ => None,
        })
        .collect();
    for (kind, value) in escaped {
        error.insert(kind, value);
    }
}

/// The value that a flag is given, as `--flag value` or `--flag=value`.
fn given<T: ValueEnum>(arguments: &[OsString], flag: &str) -> Option<T> {
    let mut words = arguments
        .iter()
        .take_while(|word| *word != "--")
        .filter_map(|word| word.to_str());
    let value = loop {
        let word = words.next()?;
        if word == flag {
            break words.next()?;
        }
        if let Some(value) = word.strip_prefix(flag).and_then(|rest| rest.strip_prefix('=')) {
            break value;
        }
    };
    T::from_str(value, false).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_is_found_in_a_command_line_that_does_not_parse() {
        let format = |line: &str| {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            given::<ErrorFormat>(&words, "--error-format")
        };
        assert_eq!(
            format("meshagent --error-format json nonsense"),
            Some(ErrorFormat::Json)
        );
        assert_eq!(
            format("meshagent nonsense --error-format=json"),
            Some(ErrorFormat::Json)
        );
        assert_eq!(format("meshagent run -- --error-format=json"), None);
        assert_eq!(format("meshagent nonsense --error-format"), None);
        assert_eq!(format("meshagent nonsense"), None);
    }
}
