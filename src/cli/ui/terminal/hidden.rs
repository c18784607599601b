//! A value that is typed or pasted, and not shown.

use anyhow::Context as _;

use super::console::Console;
use super::keyboard::{Answer, Keyboard};
use crate::cli::error::{CommandError, Kind};
use crate::cli::ui::Ui;
use crate::sensitive::SecretValue;

/// Asks for a value of one line that is not shown, on the terminal itself, and gives its bytes. An empty one
/// is the caller's to judge. `otherwise` is a hint: how else the value can be given.
///
/// # Errors
/// Where there is no terminal, where nothing was typed, and where more than one line was pasted: a part of a
/// value is none.
pub(in crate::cli) async fn hidden(ui: &Ui, question: &str, otherwise: &str) -> anyhow::Result<SecretValue> {
    let console = Console::seen(ui);
    let keyboard = Keyboard::open(&console).context("the terminal cannot be read")?;
    let answer = keyboard.ask_alone(question).await;
    let wrong = match answer.context("the terminal cannot be read")? {
        Answer::Line(value) => return Ok(value),
        Answer::TooMuch => "more than one line was pasted, or a very long one; none of it was taken",
        Answer::Nothing => "nothing was typed",
    };
    Err(CommandError::new(Kind::Usage, wrong).hint(otherwise).into())
}
