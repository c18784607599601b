//! The person at the terminal, whom one request after the other asks.

use std::cell::Cell;
use std::io;
use std::pin::Pin;

use tokio::sync::{Mutex, MutexGuard};

use super::conversation::{Conversation, Reply};
use super::request::{Asked, What, shown};
use super::sign_in::{Authorized, Prepared, Signing, Unauthorized};
use crate::cli::context::Context;
use crate::cli::sign_in::Pasting;
use crate::cli::ui::terminal::{Console, Keyboard};
use crate::secrets::SecretsClient;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum NotAsked {
    /// Nobody waits for it any more, and it was not yet this one's turn: what became of the request.
    Gone(String),
    /// The request was taken back while it was being answered, and that was said.
    TakenBack,
    /// Nobody can be asked here.
    NobodyThere,
    Unreadable(io::Error),
}

impl From<io::Error> for NotAsked {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error)
    }
}

/// The turn of one request: until this is dropped no other one asks. It is kept until what became of the request
/// was said, so that this comes before the next question.
#[derive(Debug)]
pub(super) struct Turn<'a>(#[expect(dead_code, reason = "it is held")] MutexGuard<'a, ()>);

/// The person at the terminal, asked by one request at a time, in the order they came.
#[derive(Debug)]
pub(super) struct Prompt<'a> {
    pub(super) context: &'a Context,
    pub(super) console: &'a Console,
    pub(super) signing: Signing<'a>,
    turn: Mutex<()>,
    /// How many requests wait for their turn.
    waiting: Cell<usize>,
}

impl<'a> Prompt<'a> {
    pub(super) fn new(signing: Signing<'a>) -> Self {
        Self {
            context: signing.context,
            console: signing.console,
            signing,
            turn: Mutex::new(()),
            waiting: Cell::new(0),
        }
    }

    /// Waits for a request's turn, until `gone` says that nobody waits for its answer any more, and why.
    pub(super) async fn turn(
        &self,
        gone: Pin<&mut impl Future<Output = String>>,
    ) -> Result<Turn<'_>, NotAsked> {
        if !self.context.ui.can_ask_beside_stdin() {
            return Err(NotAsked::NobodyThere);
        }
        let _waiting = Waiting::start(self);
        tokio::select! {
            biased;
            reason = gone => Err(NotAsked::Gone(reason)),
            turn = self.turn.lock() => Ok(Turn(turn)),
        }
    }

    /// Asks, until `gone` says that nobody waits for the answer any more.
    pub(super) async fn ask(
        &self,
        _turn: &Turn<'_>,
        asked: &Asked,
        secrets: &SecretsClient,
        gone: Pin<&mut impl Future<Output = String>>,
    ) -> Result<Reply<'a>, NotAsked> {
        self.at_keyboard(asked, gone, async |keyboard| {
            let ui = &self.context.ui;
            self.console.announce(&asked.describe(|text| ui.marked(text)));
            let conversation = Conversation {
                prompt: self,
                keyboard,
                secrets,
                asker: asked.asker(),
            };
            match &asked.what {
                What::Secret { secret_type, .. } => conversation.reply(secret_type).await,
                What::OAuth(oauth) => conversation.reply_to_sign_in(oauth).await,
            }
        })
        .await
    }

    /// Signs in where that was agreed to, and takes the callback that is pasted.
    pub(super) async fn sign_in(
        &self,
        _turn: &Turn<'_>,
        asked: &Asked,
        prepared: Prepared<'a>,
        gone: Pin<&mut impl Future<Output = String>>,
    ) -> Result<Result<Authorized<'a>, Unauthorized>, NotAsked> {
        self.at_keyboard(asked, gone, async |keyboard| {
            Ok(prepared.authorize(Pasting::At(keyboard)).await)
        })
        .await
    }

    async fn at_keyboard<T>(
        &self,
        asked: &Asked,
        gone: Pin<&mut impl Future<Output = String>>,
        work: impl AsyncFnOnce(&Keyboard<'_>) -> io::Result<T>,
    ) -> Result<T, NotAsked> {
        let keyboard = Keyboard::open(self.console).map_err(|_| NotAsked::NobodyThere)?;
        let reason = tokio::select! {
            biased;
            reason = gone => reason,
            done = work(&keyboard) => return Ok(done?),
        };
        self.console.say(&asked.became(&shown(&reason)));
        keyboard.quiet().await;
        Err(NotAsked::TakenBack)
    }
}

/// Counts a request among those that wait for their turn, until this is dropped.
struct Waiting<'a>(&'a Prompt<'a>);

impl<'a> Waiting<'a> {
    fn start(prompt: &'a Prompt<'a>) -> Self {
        let waiting = Self(prompt);
        waiting.count(prompt.waiting.get().saturating_add(1));
        waiting
    }

    fn count(&self, count: usize) {
        self.0.waiting.set(count);
        self.0.console.set_waiting(count);
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.count(self.0.waiting.get().saturating_sub(1));
    }
}
