//! Questions of a command that asks nothing else.

use std::io::{self, IsTerminal as _};

use anyhow::Context as _;

use super::console::Console;
use super::input::{Echo, PromptInput};
use super::is_yes;
use super::keyboard::Keyboard;
use crate::cli::error::{CommandError, Kind};
use crate::cli::ui::Ui;
use crate::sensitive::SecretValue;

/// Asks for a value that is not shown, on the terminal itself, and gives its bytes. An empty one is the caller's
/// to judge. `otherwise` is a hint: how else the value can be given.
///
/// # Errors
/// Where there is no terminal, where nothing was typed, and where what was pasted cannot be taken whole.
pub(in crate::cli) async fn hidden(ui: &Ui, question: &str, otherwise: &str) -> anyhow::Result<SecretValue> {
    let wrong = match ask(ui, question, Echo::Hidden).await? {
        PromptInput::Value(value) => return Ok(value),
        PromptInput::Refused(why) => why.to_string(),
        PromptInput::Nothing => "nothing was typed".to_owned(),
    };
    Err(CommandError::new(Kind::Usage, wrong).hint(otherwise).into())
}

/// Asks a question that is answered by `y` or, by anything else, with no.
async fn confirm(ui: &Ui, question: &str) -> anyhow::Result<bool> {
    let answer = ask(ui, &format!("{question} [y/N] "), Echo::Shown).await?;
    Ok(matches!(answer, PromptInput::Value(answer) if is_yes(answer.expose())))
}

/// Asks whether to delete: a person at a terminal, not a pipeline. A person who cannot be asked has to say
/// it with `--yes`.
pub(in crate::cli) async fn confirm_deletion(ui: &Ui, question: &str) -> anyhow::Result<()> {
    if !io::stdin().is_terminal() {
        return Ok(());
    }
    if !ui.can_ask() {
        return Err(
            CommandError::new(Kind::Usage, "nothing was deleted: you cannot be asked whether to")
                .hint("pass --yes to delete without being asked")
                .into(),
        );
    }
    if !confirm(ui, question).await? {
        return Err(CommandError::new(Kind::Failed, "nothing was deleted").into());
    }
    Ok(())
}

async fn ask(ui: &Ui, question: &str, echo: Echo) -> anyhow::Result<PromptInput> {
    const UNREADABLE: &str = "the terminal cannot be read";
    let console = Console::seen(ui);
    let keyboard = Keyboard::open(&console).context(UNREADABLE)?;
    keyboard.ask(question, echo).await.context(UNREADABLE)
}
