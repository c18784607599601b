//! The person at the terminal, who is asked about one request after the other.

use std::cell::Cell;
use std::io;
use std::pin::Pin;

use tokio::sync::{Mutex, MutexGuard};

use super::conversation::Conversation;
use super::outcome::Outcome;
use super::request::{ReceivedRequest, RequestKind, Tense, shown};
use super::sign_in::{Authorizer, PreparedSignIn};
use crate::cli::context::Context;
use crate::cli::sign_in::Pasting;
use crate::cli::ui::terminal::{Console, Keyboard};
use crate::secrets::SecretsClient;

/// The person could not be asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum PromptError {
    #[error("nobody can be asked")]
    NoTerminal,
    #[error("the terminal cannot be read: {0}")]
    Unreadable(#[from] io::Error),
}

/// The turn of one request. The next request is asked about when this is dropped, which is after the outcome was
/// shown, so that an outcome comes before the next question.
#[derive(Debug)]
pub(super) struct Turn<'a>(#[expect(dead_code, reason = "it is held")] MutexGuard<'a, ()>);

/// The person at the terminal, asked by one request at a time, in the order they came.
#[derive(Debug)]
pub(super) struct Prompt<'a> {
    pub(super) context: &'a Context,
    pub(super) console: &'a Console,
    pub(super) authorizer: Authorizer<'a>,
    turn: Mutex<()>,
    /// How many requests wait for their turn.
    waiting: Cell<usize>,
}

impl<'a> Prompt<'a> {
    pub(super) fn new(authorizer: Authorizer<'a>) -> Self {
        Self {
            context: authorizer.context,
            console: authorizer.console,
            authorizer,
            turn: Mutex::new(()),
            waiting: Cell::new(0),
        }
    }

    /// Whether there is a terminal with a person at it.
    pub(super) fn is_available(&self) -> bool {
        self.context.ui.can_ask_beside_stdin()
    }

    /// Waits for a request's turn. An error is the reason why the request was withdrawn before.
    pub(super) async fn turn(
        &self,
        withdrawn: Pin<&mut impl Future<Output = String>>,
    ) -> Result<Turn<'_>, String> {
        let _queued = Queued::enter(self);
        tokio::select! {
            biased;
            reason = withdrawn => Err(reason),
            turn = self.turn.lock() => Ok(Turn(turn)),
        }
    }

    /// Asks the person, until the request is withdrawn.
    pub(super) async fn ask(
        &self,
        _turn: &Turn<'_>,
        received: &ReceivedRequest,
        secrets: &SecretsClient,
        withdrawn: Pin<&mut impl Future<Output = String>>,
    ) -> Result<Outcome<'a>, PromptError> {
        self.at_keyboard(received, withdrawn, async |keyboard| {
            let ui = &self.context.ui;
            self.console.announce(&received.describe(|text| ui.marked(text)));
            let conversation = Conversation {
                prompt: self,
                keyboard,
                secrets,
                asker: received.asker(),
            };
            match &received.kind {
                RequestKind::Secret { secret_type, .. } => conversation.ask_for_secret(secret_type).await,
                RequestKind::OAuth(oauth) => conversation.ask_to_sign_in(oauth).await,
            }
        })
        .await
    }

    /// Signs in as the rule at `place` wants, and takes the callback that is pasted.
    pub(super) async fn sign_in(
        &self,
        _turn: &Turn<'_>,
        received: &ReceivedRequest,
        prepared: PreparedSignIn<'a>,
        place: &str,
        withdrawn: Pin<&mut impl Future<Output = String>>,
    ) -> Result<Outcome<'a>, PromptError> {
        self.at_keyboard(received, withdrawn, async |keyboard| {
            Ok(prepared.authorize_by_rule(Pasting::At(keyboard), place).await)
        })
        .await
    }

    async fn at_keyboard(
        &self,
        received: &ReceivedRequest,
        withdrawn: Pin<&mut impl Future<Output = String>>,
        work: impl AsyncFnOnce(&Keyboard<'_>) -> io::Result<Outcome<'a>>,
    ) -> Result<Outcome<'a>, PromptError> {
        let keyboard = Keyboard::open(self.console).map_err(|_| PromptError::NoTerminal)?;
        let reason = tokio::select! {
            biased;
            reason = withdrawn => reason,
            outcome = work(&keyboard) => return Ok(outcome?),
        };
        self.console
            .say(&received.status_line(Tense::Past, &shown(&reason)));
        keyboard.quiet().await;
        Ok(Outcome::Withdrawn {
            reason,
            is_shown: true,
        })
    }
}

/// Counts a request among those that wait for their turn, until this is dropped.
struct Queued<'a>(&'a Prompt<'a>);

impl<'a> Queued<'a> {
    fn enter(prompt: &'a Prompt<'a>) -> Self {
        let queued = Self(prompt);
        queued.count(prompt.waiting.get().saturating_add(1));
        queued
    }

    fn count(&self, count: usize) {
        self.0.waiting.set(count);
        self.0.console.set_waiting(count);
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.count(self.0.waiting.get().saturating_sub(1));
    }
}
