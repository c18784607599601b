//! Prompts on the terminal.

mod console;
#[cfg_attr(not(unix), path = "keyboard_elsewhere.rs")]
mod keyboard;
#[cfg(unix)]
mod line;

use std::io;

pub(super) use self::console::Console;
pub(super) use self::keyboard::{Echo, Keyboard};
use crate::cli::ui::prompt;
use crate::sensitive::{Sensitive, SensitiveText};

/// Asks for a value that is not shown while it is typed. It is read from the terminal itself.
pub(super) async fn hidden(prompt: String) -> io::Result<SensitiveText> {
    state::remember();
    // On a thread of its own, so that Ctrl-C is noticed meanwhile.
    let typed = tokio::task::spawn_blocking(move || rpassword::prompt_password(prompt)).await;
    state::forget();
    typed.map_err(io::Error::other)?.map(Sensitive::new)
}

/// Asks a question that is answered by `y` or, by anything else, with no.
pub(super) async fn confirm(question: String) -> io::Result<bool> {
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

/// Puts the terminal back as it was before a prompt that was left by a signal.
pub(super) fn restore() {
    state::restore();
}

#[cfg(unix)]
mod state {
    use std::fs::File;
    use std::sync::{Mutex, PoisonError};

    use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

    static BEFORE_PROMPT: Mutex<Option<(File, Termios)>> = Mutex::new(None);

    pub(super) fn remember() {
        let Ok(terminal) = File::options().read(true).write(true).open("/dev/tty") else {
            return;
        };
        let Ok(attributes) = tcgetattr(&terminal) else {
            return;
        };
        *BEFORE_PROMPT.lock().unwrap_or_else(PoisonError::into_inner) = Some((terminal, attributes));
    }

    pub(super) fn forget() {
        *BEFORE_PROMPT.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(super) fn restore() {
        let before = BEFORE_PROMPT
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some((terminal, attributes)) = before {
            // The terminal may be gone, as after a hang-up.
            let _ = tcsetattr(&terminal, OptionalActions::Now, &attributes);
            crate::cli::ui::error_line("");
        }
    }
}

#[cfg(not(unix))]
mod state {
    pub(super) const fn remember() {}
    pub(super) const fn forget() {}
    pub(super) const fn restore() {}
}
