//! The command line: arguments in, one library call each, answers out.
//!
//! [`commands`] is the command tree: its folders mirror it, one file for each command, with an argument struct and one
//! async function. A command gets a [`context::Context`], returns an outcome or an error, and prints through [`ui::Ui`]
//! alone. [`error`] classifies every error: a kind, a message, a hint and an exit code.
//!
//! A line imports only from the lines below it: [`entry`]; [`commands`]; [`provide`]; [`completion`], [`sign_in`];
//! [`room`]; [`args`]; [`formats`], [`process`], [`context`]; [`help`], [`ui`]; [`error`].

#![allow(
    clippy::doc_markdown,
    rustdoc::bare_urls,
    reason = "the comments on arguments are help texts, shown as they are"
)]

mod args;
mod commands;
mod completion;
mod context;
mod entry;
mod error;
mod formats;
mod help;
mod process;
mod provide;
mod room;
mod sign_in;
mod ui;

use std::ffi::OsString;
use std::mem::ManuallyDrop;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};
use tracing_appender::non_blocking::WorkerGuard;

use self::commands::Cli;
use self::context::Context;
use self::error::{Failure, Outcome};
use self::ui::Ui;
use self::ui::log::LogFormat;
use crate::net::HttpClient;
use crate::settings::Environment;

pub use self::entry::generated::generated_files;

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    process::harden();
    let arguments: Vec<OsString> = std::env::args_os().collect();
    if let Some(answered) = completion::answer(Cli::command, &arguments) {
        return answered;
    }
    // Not dropped: that takes longer than to parse, and the process ends anyway.
    let mut command = ManuallyDrop::new(entry::parse_error::command(&arguments));
    let parsed = command
        .try_get_matches_from_mut(&arguments)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return entry::parse_error::answer(error, &arguments),
    };
    let mut ui = Ui::new(&cli.global);
    let environment = Environment::from_process();
    let log = match start_log(&cli, &mut ui, &environment) {
        Ok(log) => log,
        Err(error) => return fail(&ui, &error),
    };
    let code = match run(cli, &ui, environment) {
        Ok(outcome) => outcome.exit_code(),
        Err(error) => fail(&ui, &error),
    };
    // Writes the lines that are queued.
    drop(log);
    code
}

/// Starts the log. A server whose log is JSON writes everything that it says on stderr through it.
fn start_log(cli: &Cli, ui: &mut Ui, environment: &Environment) -> anyhow::Result<Option<WorkerGuard>> {
    let Some(args) = cli.command.server_log() else {
        return ui::log::start(&cli.global, None);
    };
    process::return_large_buffers();
    let format = args.format(environment)?;
    let guard = ui::log::start(&cli.global, Some(format))?;
    process::log_panics();
    if format == LogFormat::Json {
        ui.speak_through_log();
    }
    Ok(guard)
}

/// Says why the command failed.
fn fail(ui: &Ui, error: &anyhow::Error) -> ExitCode {
    let failure = Failure::of(error);
    ui.failure(&failure);
    failure.exit_code()
}

fn run(cli: Cli, ui: &Ui, environment: Environment) -> anyhow::Result<Outcome> {
    let mut runtime = if cli.command.server_log().is_some() {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    let runtime = runtime.enable_all().build()?;
    let context = Context {
        ui: ui.clone(),
        environment,
        http: HttpClient::from_env(),
    };
    let hears_signals = cli.command.hears_signals();
    let outcome = runtime.block_on(async {
        process::fail_at_file_size_limit();
        if !hears_signals {
            return cli.command.run(&context).await;
        }
        tokio::select! {
            biased;
            interruption = process::interrupted() => Err(interruption.into()),
            outcome = cli.command.run(&context) => outcome,
        }
    });
    // A thread may still wait for input at a prompt.
    runtime.shutdown_background();
    outcome
}
