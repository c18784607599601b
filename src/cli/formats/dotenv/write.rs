//! Writes the format.

use zeroize::Zeroize;

use super::{Unwritable, as_text, put};
use crate::sensitive::SecretValue;

/// Variables that bash makes itself: it refuses to set them, or does not keep what they are set to (bash
/// manual, "Shell Variables").
const OF_THE_SHELL: [&str; 20] = [
    "BASHOPTS",
    "BASHPID",
    "BASH_ARGV0",
    "BASH_COMMAND",
    "BASH_SUBSHELL",
    "BASH_VERSINFO",
    "DIRSTACK",
    "EPOCHREALTIME",
    "EPOCHSECONDS",
    "EUID",
    "FUNCNAME",
    "GROUPS",
    "HISTCMD",
    "LINENO",
    "PPID",
    "RANDOM",
    "SECONDS",
    "SHELLOPTS",
    "SRANDOM",
    "UID",
];

/// Appends a line, or several where the value has some. The shells and [`super::parse()`] read it the same.
pub(in crate::cli) fn write(file: &mut SecretValue, name: &str, value: &[u8]) -> Result<(), Unwritable> {
    let text = as_text(value)?;
    if name == "_" || OF_THE_SHELL.contains(&name) {
        return Err(Unwritable::ShellVariable);
    }
    let mut line = String::with_capacity(name.len() + 2 * text.len() + 4);
    line.push_str(name);
    line.push('=');
    if text.chars().all(is_plain) {
        line.push_str(text);
    } else if text.contains('\'') {
        line.push('"');
        for character in text.chars() {
            if matches!(character, '\\' | '"' | '$' | '`') {
                line.push('\\');
            }
            line.push(character);
        }
        line.push('"');
    } else {
        line.push('\'');
        line.push_str(text);
        line.push('\'');
    }
    line.push('\n');
    put(file, [line.as_bytes()]);
    line.zeroize();
    Ok(())
}

/// Whether no shell and no other reader sees anything in the character but itself.
const fn is_plain(character: char) -> bool {
    character.is_ascii_alphanumeric()
        || matches!(
            character,
            '_' | '-' | '.' | '/' | ':' | '@' | '%' | '+' | ',' | '='
        )
}
