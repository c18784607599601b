//! The command line: arguments in, one library call each, answers out.
//!
//! [`args`] is the command tree; `commands/` mirrors it, one file per command, each an argument
//! struct and one async function. A command gets a [`context::Context`], returns an outcome or an
//! error, and prints through [`ui::Ui`] alone. [`failure`] folds every error to a kind, a message, a
//! hint and an exit code.

#![allow(
    clippy::doc_markdown,
    rustdoc::bare_urls,
    reason = "the comments on arguments are help texts, shown as they are"
)]

mod args;
mod commands;
mod context;
mod duration;
mod failure;
mod input;
mod key_source;
mod output;
mod process;
mod room;
mod terminal;
mod text;
mod ui;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use self::args::Cli;
use self::context::Context;
use self::failure::{ErrorFormat, Failure, Outcome};
use self::ui::Ui;
use crate::settings::Environment;

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    process::harden();
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return unparsed(&error, &arguments),
    };
    let ui = Ui::new(&cli.global);
    let outcome = match ui::start_log(&cli.global, cli.command.is_server()) {
        Ok(()) => run(cli, &ui),
        Err(error) => Err(error),
    };
    match outcome {
        Ok(outcome) => outcome.exit_code(),
        Err(error) => {
            let failure = Failure::of(&error);
            ui.failure(&failure);
            failure.exit_code()
        }
    }
}

fn run(cli: Cli, ui: &Ui) -> anyhow::Result<Outcome> {
    let mut runtime = if cli.command.is_server() {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    let runtime = runtime.enable_all().build()?;
    let context = Context {
        ui: ui.clone(),
        environment: Environment::from_process(),
    };
    let stops_by_itself = cli.command.is_server();
    let outcome = runtime.block_on(async {
        if stops_by_itself {
            return cli.command.run(&context).await;
        }
        tokio::select! {
            biased;
            interruption = process::interrupted() => Err(interruption.into()),
            outcome = cli.command.run(&context) => outcome,
        }
    });
    terminal::restore();
    // A thread may still wait at a prompt that nobody will answer.
    runtime.shutdown_background();
    outcome
}

/// Help and version are answers; everything else is wrong usage.
fn unparsed(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        // A closed pipe, as `--help | head` leaves it, is no failure.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let failure = Failure::usage(error);
    if ErrorFormat::in_arguments(arguments) == ErrorFormat::Json {
        ui::error_line(&failure.to_json());
    } else {
        let _ = error.print();
    }
    failure.exit_code()
}
