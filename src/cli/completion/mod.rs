//! Completion at TAB: the shell runs this program with what was typed so far.
//!
//! What is sourced into a shell is a few lines that call back; the command tree itself is asked each
//! time, so completions know every flag of the program that is installed, and secret ids too.

mod ids;

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

use clap::{CommandFactory, ValueEnum};
use clap_complete::env::{Bash, CompleteEnv, Elvish, EnvCompleter, Fish, Powershell, Zsh};

pub(super) use self::ids::secret_ids;
use super::args::Cli;

/// The variable by which a shell's script asks for completions; its value is the shell's name.
const VARIABLE: &str = "MESHAGENT_COMPLETE";

/// In a folder of `fpath`, zsh runs the file as a function when TAB is pressed first; the library's
/// script then only says what to do from the next time on.
const ZSH_AT_FIRST_USE: &[u8] = b"
if [[ ${funcstack[1]} == _meshagent ]]; then
    _clap_dynamic_completer_meshagent
fi
";

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
    fn completer(self) -> &'static dyn EnvCompleter {
        match self {
            Self::Bash => &Bash,
            Self::Zsh => &Zsh,
            Self::Fish => &Fish,
            Self::Elvish => &Elvish,
            Self::PowerShell => &Powershell,
        }
    }

    /// The name of this shell's script among the generated files, as the shell looks for it.
    pub(super) const fn file_name(self) -> &'static str {
        match self {
            Self::Bash => "meshagent.bash",
            Self::Zsh => "_meshagent",
            Self::Fish => "meshagent.fish",
            Self::Elvish => "meshagent.elv",
            Self::PowerShell => "meshagent.ps1",
        }
    }
}

/// The script that makes `shell` ask this program.
pub(super) fn script(shell: Shell) -> io::Result<Vec<u8>> {
    const NAME: &str = "meshagent";
    let mut script = Vec::new();
    shell
        .completer()
        .write_registration(VARIABLE, NAME, NAME, NAME, &mut script)?;
    // One newline at the end, as text files have it.
    let end = script.trim_ascii_end().len();
    script.truncate(end);
    script.push(b'\n');
    if shell == Shell::Zsh {
        script.extend_from_slice(ZSH_AT_FIRST_USE);
    }
    Ok(script)
}

/// Answers a shell that asks for completions; `None` if this is an ordinary run. What goes wrong is
/// not said: whoever pressed TAB did not run a command.
pub(super) fn answer(arguments: &[OsString]) -> Option<ExitCode> {
    std::env::var_os(VARIABLE)?;
    let directory = std::env::current_dir().ok();
    let completed = CompleteEnv::with_factory(Cli::command)
        .var(VARIABLE)
        .try_complete(arguments, directory.as_deref());
    match completed {
        Ok(true) => Some(ExitCode::SUCCESS),
        Ok(false) => None,
        Err(_) => Some(ExitCode::FAILURE),
    }
}
