//! Starts another command: on Unix in place of this process, so that signals, terminal and exit code are
//! the command's own; elsewhere as a child that is waited for.

#[cfg(not(unix))]
mod child;
#[cfg(unix)]
mod replace;
#[cfg(unix)]
mod search;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

#[cfg(not(unix))]
use self::child::start;
#[cfg(unix)]
use self::replace::start;
use crate::cli::error::{CommandError, Kind, Outcome};
use crate::cli::ui::text::escape;

/// Environment of a command.
pub(in crate::cli) type Variables = BTreeMap<OsString, OsString>;

/// Starts `command`, its first word the program, with `variables` as its whole environment. The program is
/// looked for in the `PATH` among them; `fallback_path` is used if there is none.
///
/// On Unix this returns only if the command cannot be started.
pub(in crate::cli) fn launch(
    command: &[OsString],
    variables: &Variables,
    fallback_path: Option<&OsStr>,
) -> anyhow::Result<Outcome> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(CommandError::new(Kind::Usage, "no command was given").into());
    };
    let path = variables
        .get(OsStr::new("PATH"))
        .map(OsString::as_os_str)
        .or(fallback_path);
    start(program, arguments, variables, path)
}

/// The command is not there.
fn no_such_command(program: &OsStr) -> CommandError {
    let message = format!("there is no command `{}`", shown(program));
    CommandError::new(Kind::NoSuchCommand, message).hint("check its spelling, and PATH")
}

/// The command is there and cannot be started.
fn cannot_run(program: &OsStr, why: &str, hint: &str) -> CommandError {
    let message = format!("`{}` cannot be run: {why}", shown(program));
    CommandError::new(Kind::CannotRun, message).hint(hint)
}

fn shown(program: &OsStr) -> String {
    escape(&program.to_string_lossy())
}
