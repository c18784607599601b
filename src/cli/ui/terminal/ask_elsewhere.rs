//! Questions where the terminal cannot be read without waiting for it alone.

use std::io::{self, Write};

use anyhow::Context as _;

use super::is_yes;
use crate::cli::error::{CommandError, Kind};
use crate::cli::ui::Ui;
use crate::sensitive::{SecretValue, Sensitive};

/// Asks for a value of one line that is not shown, on the terminal itself, and gives its bytes. `otherwise`
/// is a hint: how else the value can be given.
///
/// # Errors
/// Where there is no terminal, and where nothing was typed.
pub(in crate::cli) async fn hidden(_ui: &Ui, question: &str, otherwise: &str) -> anyhow::Result<SecretValue> {
    let question = question.to_owned();
    // On a thread of its own, so that Ctrl-C is noticed meanwhile.
    let typed = tokio::task::spawn_blocking(move || rpassword::prompt_password(question)).await?;
    match typed {
        Ok(typed) => Ok(Sensitive::new(typed.into_bytes())),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Err(CommandError::new(Kind::Usage, "nothing was typed")
                .hint(otherwise)
                .into())
        }
        Err(error) => Err(error).context("the terminal cannot be read"),
    }
}

/// Asks a question that is answered by `y` or, by anything else, with no.
pub(in crate::cli) async fn confirm(_ui: &Ui, question: &str) -> anyhow::Result<bool> {
    io::stderr().write_all(format!("{question} [y/N] ").as_bytes())?;
    // On a thread of its own, so that Ctrl-C is noticed meanwhile.
    let answer = tokio::task::spawn_blocking(|| {
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        io::Result::Ok(answer)
    })
    .await??;
    Ok(is_yes(answer.as_bytes()))
}
