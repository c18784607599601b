//! Asks the person at the terminal, one request after the other.

use std::io;
use std::path::PathBuf;
use std::pin::pin;

use serde_json::json;
use tokio::sync::Mutex;

use super::asked::{Asked, What, shown};
use super::source::Source;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::terminal::{Console, Echo, Keyboard};
use crate::cli::text::escape;
use crate::secrets::SecretsClient;
use crate::sensitive::{SecretValue, Sensitive};
use crate::wire::SecretId;

/// Type of secrets that are a user name and a password, as JSON (protocol, "The `secrets` toolkit").
const GIT: &str = "git";

/// What the person said.
#[derive(Debug)]
pub(super) enum Reply {
    /// Yes, with this; the text says where it came from.
    Give(SecretValue, String),
    /// No, for this reason, which may be empty.
    Reject(String),
    /// Nothing: whoever asks waits until the time is over.
    Ignore,
}

/// How asking ended.
#[derive(Debug)]
pub(super) enum Asking {
    Answered(Reply),
    /// The request was taken back before it was this one's turn, for this reason.
    Gone(String),
    /// It was taken back while it was being answered, and that was said.
    TakenBack,
    /// Nobody can be asked here.
    NobodyThere,
}

/// The person at the terminal, asked by one request at a time, in the order they came.
#[derive(Debug)]
pub(super) struct Prompt<'a> {
    context: &'a Context,
    console: &'a Console,
    turn: Mutex<()>,
}

impl<'a> Prompt<'a> {
    pub(super) fn new(context: &'a Context, console: &'a Console) -> Self {
        Self {
            context,
            console,
            turn: Mutex::new(()),
        }
    }

    /// Asks when it is this request's turn, until `gone` says that nobody waits for the answer any more.
    pub(super) async fn ask(
        &self,
        asked: &Asked,
        secrets: &SecretsClient<'_>,
        gone: impl Future<Output = String>,
    ) -> io::Result<Asking> {
        if !self.context.ui.can_ask_beside_stdin() {
            return Ok(Asking::NobodyThere);
        }
        let mut gone = pin!(gone);
        let _turn = tokio::select! {
            biased;
            reason = &mut gone => return Ok(Asking::Gone(reason)),
            turn = self.turn.lock() => turn,
        };
        let Ok(keyboard) = Keyboard::open(self.console) else {
            return Ok(Asking::NobodyThere);
        };
        self.console.announce(&asked.describe());
        let conversation = Conversation {
            prompt: self,
            keyboard: &keyboard,
            secrets,
        };
        tokio::select! {
            biased;
            reason = &mut gone => {
                self.console.say(&asked.became(&format!("taken back, {}", shown(&reason))));
                keyboard.quiet().await;
                Ok(Asking::TakenBack)
            }
            reply = conversation.reply(asked) => Ok(Asking::Answered(reply?)),
        }
    }
}

struct Conversation<'a> {
    prompt: &'a Prompt<'a>,
    keyboard: &'a Keyboard<'a>,
    secrets: &'a SecretsClient<'a>,
}

impl Conversation<'_> {
    async fn reply(&self, asked: &Asked) -> io::Result<Reply> {
        loop {
            match self.choose("Give, reject or ignore? [g/r/i] ", "gri").await? {
                Some('g') => match self.give(asked).await? {
                    Some((value, how)) => return Ok(Reply::Give(value, how)),
                    None => self.prompt.console.say("Nothing was given."),
                },
                Some('r') => {
                    if let Some(reason) = self.text("Reason, which they are told: ").await? {
                        return Ok(Reply::Reject(reason));
                    }
                }
                Some('i') => return Ok(Reply::Ignore),
                _ => self.prompt.console.say("Type g, r or i, and Enter."),
            }
        }
    }

    /// A choice by its letter, or a word that starts with it. None for anything else.
    async fn choose(&self, question: &str, letters: &str) -> io::Result<Option<char>> {
        const WORDS: [&str; 6] = ["give", "reject", "ignore", "type", "file", "secret"];
        let typed = self.text(question).await?.unwrap_or_default().to_lowercase();
        let typed = typed.trim();
        Ok(letters.chars().find(|letter| {
            let letter = letter.to_string();
            typed == letter
                || WORDS
                    .iter()
                    .any(|word| *word == typed && word.starts_with(&letter))
        }))
    }

    /// A value and where it came from. None if the person thought better of it.
    async fn give(&self, asked: &Asked) -> io::Result<Option<(SecretValue, String)>> {
        let question = "Type it, from a file, or a stored secret? [t/f/s] ";
        let source = match self.choose(question, "tfs").await? {
            Some('t') => return self.typed(asked).await,
            Some('f') => match self.text("Path of the file: ").await? {
                Some(path) if !path.is_empty() => Source::File(self.path(&path)),
                _ => return Ok(None),
            },
            Some('s') => match self.text("Id of the secret: ").await?.map(SecretId::new) {
                Some(Ok(id)) => Source::Id(id),
                _ => return Ok(None),
            },
            _ => return Ok(None),
        };
        match source.read(self.prompt.context, self.secrets).await {
            Ok(value) => Ok(Some((value, source.to_string()))),
            Err(error) => {
                let message = Failure::of(&error).message;
                self.prompt.console.say(&format!("{}.", escape(&message)));
                Ok(None)
            }
        }
    }

    async fn typed(&self, asked: &Asked) -> io::Result<Option<(SecretValue, String)>> {
        let how = "typed".to_owned();
        if matches!(&asked.what, What::Secret { secret_type, .. } if secret_type == GIT) {
            let Some(username) = self.text("User name: ").await? else {
                return Ok(None);
            };
            let Some(password) = self.hidden("Password (not shown): ").await? else {
                return Ok(None);
            };
            return git_credential(&username, &password).map(|value| Some((value, how)));
        }
        let Some(value) = self.hidden("Value (not shown): ").await? else {
            return Ok(None);
        };
        if value.expose().is_empty() {
            let answer = self
                .text("Give an empty value? [y/N] ")
                .await?
                .unwrap_or_default();
            if !matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
                return Ok(None);
            }
        }
        Ok(Some((value, how)))
    }

    async fn text(&self, question: &str) -> io::Result<Option<String>> {
        let typed = self.keyboard.ask(question, Echo::Shown).await?;
        Ok(typed.map(|typed| String::from_utf8_lossy(typed.expose()).into_owned()))
    }

    async fn hidden(&self, question: &str) -> io::Result<Option<SecretValue>> {
        self.keyboard.ask(question, Echo::Hidden).await
    }

    /// A path as a person types it: `~/` is the home directory.
    fn path(&self, typed: &str) -> PathBuf {
        match (typed.strip_prefix("~/"), self.prompt.context.environment.home()) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => typed.into(),
        }
    }
}

/// The JSON of the `git` convention.
fn git_credential(username: &str, password: &SecretValue) -> io::Result<SecretValue> {
    let text = std::str::from_utf8(password.expose()).map_err(io::Error::other)?;
    let mut object = json!({"username": username, "password": text});
    let json = Sensitive::new(object.to_string());
    if let Some(serde_json::Value::String(copy)) = object.get_mut("password") {
        zeroize::Zeroize::zeroize(copy);
    }
    Ok(json.into_exposed().into_bytes().into())
}
