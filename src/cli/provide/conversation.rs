//! The conversation with the person at the terminal about one request.

use std::io;
use std::path::PathBuf;

use super::oauth_request::OAuthRequest;
use super::outcome::Outcome;
use super::prompt::Prompt;
use super::sign_in::{Authorized, SignInError};
use super::source::Source;
use crate::cli::error::Failure;
use crate::cli::formats::git_credential::Credential;
use crate::cli::sign_in::Pasting;
use crate::cli::ui::terminal::{Echo, Keyboard, PromptInput, is_yes};
use crate::cli::ui::text::escape;
use crate::secrets::SecretsClient;
use crate::sensitive::SecretValue;
use crate::wire::SecretId;

/// Type of secrets that are a user name and a password, as JSON (protocol, "The `secrets` toolkit").
const GIT: &str = "git";

/// What a person may say instead of yes.
const REJECT: &str = "reject";
const IGNORE: &str = "ignore";

/// The reason that the terminal shows where the person decided.
const BY_YOU: &str = "by you";

/// The conversation about one request.
#[derive(Debug)]
pub(super) struct Conversation<'a, 'p> {
    pub(super) prompt: &'a Prompt<'p>,
    pub(super) keyboard: &'a Keyboard<'a>,
    pub(super) secrets: &'a SecretsClient,
    /// Who asks, in front of a question.
    pub(super) asker: String,
}

impl<'p> Conversation<'_, 'p> {
    pub(super) async fn ask_for_secret(&self, secret_type: &str) -> io::Result<Outcome<'p>> {
        const GIVE: &str = "give";
        loop {
            let question = format!("{}: give, reject or ignore? [g/r/i] ", self.asker);
            match self.choose(&question, [GIVE, REJECT, IGNORE]).await? {
                Some(GIVE) => match self.give(secret_type).await? {
                    Some((value, reason)) => return Ok(Outcome::Provide(value, reason)),
                    None => self.prompt.console.say("Nothing was given."),
                },
                Some(no) => {
                    if let Some(outcome) = self.refuse(no).await? {
                        return Ok(outcome);
                    }
                }
                None => self.prompt.console.say("Type g, r or i, and Enter."),
            }
        }
    }

    pub(super) async fn ask_to_sign_in(&self, oauth: &OAuthRequest) -> io::Result<Outcome<'p>> {
        const SIGN_IN: &str = "sign in";
        loop {
            let question = format!("{}: sign in, reject or ignore? [s/r/i] ", self.asker);
            match self.choose(&question, [SIGN_IN, REJECT, IGNORE]).await? {
                Some(SIGN_IN) => {
                    let why = match self.sign_in(oauth).await {
                        Ok(authorized) => {
                            return Ok(Outcome::Authorize(Box::new(authorized), BY_YOU.to_owned()));
                        }
                        Err(SignInError::Denied(code)) => return Ok(Outcome::denied(&code)),
                        Err(SignInError::GivenUp) => "nobody signed in".to_owned(),
                        Err(SignInError::Failed(why)) => why,
                    };
                    self.prompt.console.say(&format!("Not signed in: {why}."));
                }
                Some(no) => {
                    if let Some(outcome) = self.refuse(no).await? {
                        return Ok(outcome);
                    }
                }
                None => self.prompt.console.say("Type s, r or i, and Enter."),
            }
        }
    }

    async fn sign_in(&self, oauth: &OAuthRequest) -> Result<Authorized<'p>, SignInError> {
        let prepared = self.prompt.authorizer.prepare(oauth).await?;
        prepared.authorize(Pasting::At(self.keyboard)).await
    }

    /// Rejects or ignores. None if the person changed their mind.
    async fn refuse(&self, how: &str) -> io::Result<Option<Outcome<'p>>> {
        if how == IGNORE {
            return Ok(Some(Outcome::Ignore));
        }
        let reason = self.text("Reason, which they are told: ").await?;
        Ok(reason.map(|reason| Outcome::reject(&reason, BY_YOU)))
    }

    /// A choice, which is typed as its first letter or as a whole. None for anything else.
    async fn choose<const N: usize>(
        &self,
        question: &str,
        choices: [&'static str; N],
    ) -> io::Result<Option<&'static str>> {
        let typed = self.text(question).await?.unwrap_or_default().to_lowercase();
        let typed = typed.trim();
        let is_typed = |choice: &&str| *choice == typed || choice.get(..1) == Some(typed);
        Ok(choices.into_iter().find(is_typed))
    }

    /// A value and where it came from. None if the person changed their mind.
    async fn give(&self, secret_type: &str) -> io::Result<Option<(SecretValue, String)>> {
        const TYPE: &str = "type";
        const FILE: &str = "file";
        const SECRET: &str = "secret";
        let question = "Type it, from a file, or a stored secret? [t/f/s] ";
        let source = match self.choose(question, [TYPE, FILE, SECRET]).await? {
            Some(TYPE) => return self.typed(secret_type).await,
            Some(FILE) => match self.text("Path of the file: ").await? {
                Some(path) if !path.is_empty() => Source::File(self.path(&path)),
                _ => return Ok(None),
            },
            Some(SECRET) => match self.text("Id of the secret: ").await?.map(SecretId::new) {
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

    async fn typed(&self, secret_type: &str) -> io::Result<Option<(SecretValue, String)>> {
        let how = "typed".to_owned();
        if secret_type == GIT {
            let Some(username) = self.text("User name: ").await? else {
                return Ok(None);
            };
            let Some(password) = self.hidden("Password (not shown): ").await? else {
                return Ok(None);
            };
            return git_credential(username, &password).map(|value| Some((value, how)));
        }
        let Some(value) = self.hidden("Value (not shown): ").await? else {
            return Ok(None);
        };
        if value.expose().is_empty() {
            let answer = self.text("Give an empty value? [y/N] ").await?;
            if !is_yes(answer.unwrap_or_default().as_bytes()) {
                return Ok(None);
            }
        }
        Ok(Some((value, how)))
    }

    async fn text(&self, question: &str) -> io::Result<Option<String>> {
        let Some(typed) = self.ask(question, Echo::Shown).await? else {
            return Ok(None);
        };
        if typed.expose().contains(&b'\n') {
            self.prompt
                .console
                .say("One line is wanted here, and several were pasted.");
            return Ok(None);
        }
        Ok(Some(String::from_utf8_lossy(typed.expose()).into_owned()))
    }

    async fn hidden(&self, question: &str) -> io::Result<Option<SecretValue>> {
        self.ask(question, Echo::Hidden).await
    }

    async fn ask(&self, question: &str, echo: Echo) -> io::Result<Option<SecretValue>> {
        match self.keyboard.ask(question, echo).await? {
            PromptInput::Value(value) => Ok(Some(value)),
            PromptInput::Nothing => Ok(None),
            PromptInput::Refused(why) => {
                self.prompt.console.say(&format!("Not taken: {why}."));
                Ok(None)
            }
        }
    }

    /// A path as a person types it: `~/` is the home directory.
    fn path(&self, typed: &str) -> PathBuf {
        match (typed.strip_prefix("~/"), self.prompt.context.environment.home()) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => typed.into(),
        }
    }
}

/// A credential of the `git` convention.
fn git_credential(username: String, password: &SecretValue) -> io::Result<SecretValue> {
    let text = std::str::from_utf8(password.expose()).map_err(io::Error::other)?;
    let credential = Credential::new(username, text.to_owned().into());
    credential.to_value().map_err(io::Error::other)
}
