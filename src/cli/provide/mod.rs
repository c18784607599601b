//! Answers what other participants ask: by rules, and by the person at the terminal.
//!
//! A request comes in as a [`request::ReceivedRequest`]. The first of the [`rules`] that matches decides its
//! [`outcome`]; where none does, the [`prompt`] gives the request a turn at the terminal, and a [`conversation`] asks.
//! The [`responder`] sends the outcome. All requests are worked on at the same time, in one [`session`] over one
//! connection after the other.

mod args;
mod command;
mod conversation;
mod facts;
pub(in crate::cli) mod mismatch;
mod oauth_patterns;
pub(in crate::cli) mod oauth_request;
pub(in crate::cli) mod open_requests;
mod outcome;
mod pattern;
mod prompt;
pub(in crate::cli) mod request;
pub(in crate::cli) mod responder;
mod rules;
mod rules_file;
mod session;
pub(in crate::cli) mod sign_in;
mod source;

use std::future::pending;
use std::time::Duration;

use tokio::time::sleep;

pub(super) use self::args::RulesArgs;
use self::prompt::Prompt;
use self::responder::Responder;
use self::session::Session;
use self::sign_in::Authorizer;
use super::args::room::RoomArgs;
use super::context::Context;
use super::error::Outcome;
use super::sign_in::BrowserArgs;
use super::ui::terminal::Console;

/// Answers requests in a room: until the first one was answered if that is `once`, and at most for
/// `duration`.
pub(super) async fn provide(
    context: &Context,
    room: &RoomArgs,
    rules: &RulesArgs,
    browser: BrowserArgs,
    once: bool,
    duration: Option<Duration>,
) -> anyhow::Result<Outcome> {
    let example_url = rules.only_url().unwrap_or("URL");
    let oauth_only = rules.oauth_only();
    let rules = rules.read(context)?;
    let console = Console::new(&context.ui);
    let authorizer = Authorizer {
        context,
        console: &console,
        browser,
    };
    let prompt = Prompt::new(authorizer);
    let session = Session {
        context,
        room,
        responder: Responder::new(authorizer, &rules, &prompt, oauth_only, once),
        once,
        stay: duration,
        example_url,
    };
    let stop = async {
        match duration {
            Some(duration) => sleep(duration).await,
            None => pending().await,
        }
    };
    Box::pin(session.run(stop)).await
}
