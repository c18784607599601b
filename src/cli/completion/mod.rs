//! Completion at TAB: the shell runs this program with what was typed so far.
//!
//! What is sourced into a shell is one of the scripts in `completions/`, a few lines that call back. The
//! command tree is asked each time, so completions know every flag of the program that is installed, and the
//! room's secrets and participants too. Their names are chosen by others, and end up on a command line: each
//! shell's module says how a candidate becomes one quoted word there.

mod candidate;
mod line;
mod room;
mod shell;
mod values;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Command, ValueEnum};

use self::shell::Dialect;
#[cfg(test)]
pub(super) use self::values::with_values;

/// The variable by which a shell's script asks for completions; its value is the shell's name.
const VARIABLE: &str = "MESHAGENT_COMPLETE";

/// A shell that can complete this program's commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(clippy::enum_variant_names, reason = "it is called PowerShell")]
pub(super) enum Shell {
    Bash,
    Zsh,
    Fish,
    Elvish,
    #[value(name = "powershell", alias = "pwsh")]
    PowerShell,
}

impl Shell {
    /// The script that makes this shell ask the program.
    pub(super) const fn script(self) -> &'static str {
        match self {
            Self::Bash => include_str!("../../../completions/meshagent.bash"),
            Self::Zsh => include_str!("../../../completions/_meshagent"),
            Self::Fish => include_str!("../../../completions/meshagent.fish"),
            Self::Elvish => include_str!("../../../completions/meshagent.elv"),
            Self::PowerShell => include_str!("../../../completions/meshagent.ps1"),
        }
    }

    const fn dialect(self) -> &'static dyn Dialect {
        match self {
            Self::Bash => &shell::Bash,
            Self::Zsh => &shell::Zsh,
            Self::Fish => &shell::Fish,
            Self::Elvish => &shell::Elvish,
            Self::PowerShell => &shell::PowerShell,
        }
    }
}

/// Answers a shell that asks for completions; `None` if this is an ordinary run. Errors are not shown: TAB
/// must not write over the line that is being typed.
pub(super) fn answer(command: impl FnOnce() -> Command, arguments: &[OsString]) -> Option<ExitCode> {
    let shell = std::env::var(VARIABLE).ok()?;
    let Some(lines) = complete(command, &shell, arguments) else {
        return Some(ExitCode::FAILURE);
    };
    let text: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => Some(ExitCode::SUCCESS),
        Err(_) => Some(ExitCode::FAILURE),
    }
}

/// The lines of the answer to a script that called `meshagent -- ARGUMENT…`.
fn complete(command: impl FnOnce() -> Command, shell: &str, arguments: &[OsString]) -> Option<Vec<String>> {
    let dialect = Shell::from_str(shell, false).ok()?.dialect();
    let asked: Option<Vec<&str>> = arguments
        .iter()
        .skip(2)
        .map(|argument| argument.to_str())
        .collect();
    let line = dialect.line(&asked?)?;
    let candidates = candidate::find(command(), &line);
    Some(dialect.answer(&line, &candidates))
}
