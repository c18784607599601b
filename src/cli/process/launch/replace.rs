//! On Unix: the command takes the place of this process.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::search::{Found, search};
use super::{Outcome, Variables, cannot_run, no_such_command, shown};
use crate::cli::process::{harden, restore_limits};

pub(super) fn start(
    program: &OsStr,
    arguments: &[OsString],
    variables: &Variables,
    path: Option<&OsStr>,
) -> anyhow::Result<Outcome> {
    let found = match search(program, path) {
        Found::Program(found) => found,
        Found::NotExecutable => {
            return Err(cannot_run(program, "it is not executable", "check its permissions").into());
        }
        Found::Directory => return Err(cannot_run(program, "it is a directory", "name a program").into()),
        Found::Nothing => return Err(no_such_command(program).into()),
    };
    let mut command = Command::new(found);
    command.arg0(program).args(arguments).env_clear().envs(variables);
    restore_limits();
    // Clears the signal mask and lets SIGPIPE end the command again, which Rust programs ignore. All our
    // files are closed by it. It never returns but with an error.
    let error = command.exec();
    harden();
    let explained = match error.kind() {
        // The file is there: it was found.
        io::ErrorKind::NotFound => cannot_run(
            program,
            "the interpreter that it names is missing",
            "check its first line",
        ),
        io::ErrorKind::ArgumentListTooLong => too_long(program, variables),
        _ => cannot_run(
            program,
            &error.to_string(),
            "check that it is a program for this machine",
        ),
    };
    Err(explained.into())
}

/// The system limits a single variable and all of them together.
fn too_long(program: &OsStr, variables: &Variables) -> crate::cli::error::CommandError {
    let longest = variables.iter().max_by_key(|(_, value)| value.len());
    let hint = longest.map_or_else(String::new, |(name, value)| {
        format!(
            "the longest variable is {}, with {} bytes; give large values in a file",
            shown(name),
            value.len()
        )
    });
    cannot_run(
        program,
        "its environment and arguments are too long for the system",
        &hint,
    )
}
