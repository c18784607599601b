//! Asks one participant for a secret and waits for its answer.

use std::time::{Duration, Instant};

use crate::cli::args::room::RoomArgs;
use crate::cli::context::Context;
use crate::cli::room::deadline::within_rest;
use crate::cli::room::participant::FromArgs;
use crate::cli::room::{Target, in_shared_room};
use crate::cli::ui::text::escape;
use crate::secrets::RequestOptions;
use crate::sensitive::SecretValue;
use crate::wire::Identity;

/// Time for the command beyond that of the request, once that was sent: to hear that the time is over.
const MARGIN: Duration = Duration::from_secs(10);

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) url: &'a str,
    pub(super) secret_type: Option<&'a str>,
    /// Who may read the answer too, instead of the one who asks.
    pub(super) delegate_to: Option<&'a Identity>,
}

/// A participant's answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) value: SecretValue,
    /// How the participant is called when it is spoken of.
    pub(super) from: String,
}

/// Joins the room, asks, and says meanwhile who is waited for. The participant has the command's time.
pub(super) async fn ask(
    context: &Context,
    args: &RoomArgs,
    from: &FromArgs,
    question: Question<'_>,
) -> anyhow::Result<Answer> {
    let timeout = args.timeout;
    let start = Instant::now();
    let limit = timeout.saturating_add(MARGIN);
    in_shared_room(context, Target::resolve(context, args)?, limit, async |room| {
        let chosen = within_rest(start, timeout, from.choose(room)).await?;
        let Question {
            url,
            secret_type,
            delegate_to,
        } = question;
        let waiting = context.ui.waiting(
            &format!("Waiting for {} to answer: {}", chosen.shown, escape(url)),
            timeout,
        );
        let options = RequestOptions {
            secret_type: secret_type.map(str::to_owned),
            timeout: Some(timeout),
            delegate_to: delegate_to.cloned(),
        };
        let answer = room.secrets().request_secret(&chosen.id, url, options).await;
        drop(waiting);
        let secret = answer
            .map_err(|error| chosen.explain(error, room, timeout, "check --url, --type and --timeout"))?;
        Ok(Answer {
            value: secret.value,
            from: chosen.shown,
        })
    })
    .await
}
