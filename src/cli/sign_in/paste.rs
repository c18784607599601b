//! The callback, pasted by the person who signs in.

use std::future::pending;

use crate::cli::error::GivenUp;
use crate::cli::ui::terminal::{Console, Echo, Keyboard, PromptInput};
use crate::cli::ui::text::escape;
use crate::oauth::{AuthorizationCode, CallbackError, ExpectedCallback, RedirectUri, pasted};
use crate::sensitive::SensitiveText;

/// Who can paste a callback.
#[derive(Debug)]
pub(in crate::cli) enum Pasting<'a> {
    /// No prompt: the browser comes back to the listener.
    Nobody,
    /// At the terminal, if no browser is opened here. The prompt then owns the keyboard.
    WithoutBrowser,
    /// At this keyboard, even while a browser is open.
    At(&'a Keyboard<'a>),
}

/// Asks for the callback until a valid one is pasted. Never resolves where a prompt is impossible.
pub(super) async fn paste(
    console: &Console,
    pasting: Pasting<'_>,
    redirect_uri: &RedirectUri,
    expected: &ExpectedCallback,
    pkce: bool,
) -> anyhow::Result<Result<AuthorizationCode, CallbackError>> {
    let taken;
    let keyboard = match pasting {
        Pasting::Nobody => return pending().await,
        Pasting::At(keyboard) => keyboard,
        Pasting::WithoutBrowser => match Keyboard::open(console) {
            Ok(keyboard) => {
                taken = keyboard;
                &taken
            }
            Err(_) => return pending().await,
        },
    };
    console.note(&format!(
        "If the browser is on another machine, it ends on a page that it cannot show, at {redirect_uri}. \
         Copy that address whole from its address bar."
    ));
    loop {
        let answer = keyboard
            .ask("Paste the address (it is not shown): ", Echo::Hidden)
            .await?;
        let typed = match answer {
            PromptInput::Value(typed) => typed,
            PromptInput::Refused(why) => {
                console.say(&format!("{why}; try again"));
                continue;
            }
            PromptInput::Nothing => return Err(GivenUp.into()),
        };
        let text = String::from_utf8_lossy(typed.expose()).into_owned();
        match pasted::read(&SensitiveText::new(text), redirect_uri, expected, pkce) {
            Ok(code) => return Ok(Ok(code)),
            Err(pasted::PastedError::Callback(error)) if error.is_final() => return Ok(Err(error)),
            Err(error) => console.say(&format!("{}; try again", escape(&error.to_string()))),
        }
    }
}
