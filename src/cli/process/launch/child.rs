//! Where a process cannot be replaced: the command is a child that is waited for.

use std::ffi::{OsStr, OsString};
use std::io;
use std::process::Command;

use super::{Outcome, Variables, cannot_run, no_such_command};

pub(super) fn start(
    program: &OsStr,
    arguments: &[OsString],
    variables: &Variables,
    _path: Option<&OsStr>,
) -> anyhow::Result<Outcome> {
    let status = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(variables)
        .status()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => no_such_command(program),
            _ => cannot_run(
                program,
                &error.to_string(),
                "check that it is a program for this machine",
            ),
        })?;
    // A code that does not fit is no success.
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(Outcome::Ran(code.unwrap_or(u8::MAX)))
}
