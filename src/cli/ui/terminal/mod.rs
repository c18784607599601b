//! Prompts on the terminal.
//!
//! A question is answered by a line, or by a paste of several, which the terminal marks as one. Nothing of what
//! is typed or pasted for a question is left to the next question, or to the program that has the terminal next.

#[cfg_attr(not(unix), path = "ask_elsewhere.rs")]
mod ask;
mod console;
#[cfg(unix)]
mod device;
mod input;
#[cfg(unix)]
mod intake;
#[cfg_attr(not(unix), path = "keyboard_elsewhere.rs")]
mod keyboard;
#[cfg(unix)]
mod keys;
#[cfg(unix)]
mod line;

pub(in crate::cli) use self::ask::{confirm_deletion, hidden};
pub(in crate::cli) use self::console::Console;
pub(in crate::cli) use self::input::{Echo, PromptInput};
pub(in crate::cli) use self::keyboard::Keyboard;

/// Whether this says yes to a question that ends in `[y/N]`.
pub(in crate::cli) fn is_yes(answer: &[u8]) -> bool {
    let answer = answer.trim_ascii();
    answer.eq_ignore_ascii_case(b"y") || answer.eq_ignore_ascii_case(b"yes")
}
