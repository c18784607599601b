//! How each shell asks, and what it does with an answer.

mod bash;
mod elvish;
mod fish;
mod powershell;
mod zsh;

use super::candidate::Candidate;
use super::line::Line;

pub(super) use self::bash::Bash;
pub(super) use self::elvish::Elvish;
pub(super) use self::fish::Fish;
pub(super) use self::powershell::PowerShell;
pub(super) use self::zsh::Zsh;

/// What a shell's script sends and takes back.
pub(super) trait Dialect {
    /// The line at the cursor, from the arguments of the script. `None` where a word's value is known to the
    /// shell alone, as with variables, and nothing can be offered.
    fn line(&self, asked: &[&str]) -> Option<Line>;

    /// The lines of the answer. A candidate that cannot become one word of the command line is left out.
    fn answer(&self, line: &Line, candidates: &[Candidate]) -> Vec<String>;
}

/// Whether text means the same with and without quotes, in every shell. A `~` or a `-` in front, for example,
/// does not: the one needs quotes, and the other is left to the caller.
fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ':' | '=' | '+' | '%'))
}
