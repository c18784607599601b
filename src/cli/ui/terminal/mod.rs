//! Prompts on the terminal.

mod console;
#[cfg_attr(not(unix), path = "hidden_elsewhere.rs")]
mod hidden;
#[cfg_attr(not(unix), path = "keyboard_elsewhere.rs")]
mod keyboard;
#[cfg(unix)]
mod line;

use std::io;

pub(in crate::cli) use self::console::Console;
pub(in crate::cli) use self::hidden::hidden;
pub(in crate::cli) use self::keyboard::{Echo, Keyboard};
use super::stderr::prompt;

/// Asks a question that is answered by `y` or, by anything else, with no.
pub(in crate::cli) async fn confirm(question: String) -> io::Result<bool> {
    prompt(&format!("{question} [y/N] "));
    let mut line = OpenLine { is_open: true };
    // On a thread of its own, so that Ctrl-C is noticed meanwhile.
    let answer = tokio::task::spawn_blocking(|| {
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        io::Result::Ok(answer)
    })
    .await
    .map_err(io::Error::other)??;
    line.is_open = !answer.ends_with('\n');
    drop(line);
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// The line of a question. It ends with the answer's Enter, and where there is none, as after Ctrl-C, with
/// this.
struct OpenLine {
    is_open: bool,
}

impl Drop for OpenLine {
    fn drop(&mut self) {
        if self.is_open {
            prompt("\n");
        }
    }
}
