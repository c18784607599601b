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

/// A request to a participant.
#[derive(Debug, Clone, Copy)]
pub(super) struct SecretRequest<'a> {
    pub(super) url: &'a str,
    pub(super) secret_type: Option<&'a str>,
    /// The identity that may read the stored answer, instead of the requester.
    pub(super) delegate_to: Option<&'a Identity>,
}

/// A secret that a participant provided.
#[derive(Debug)]
pub(super) struct ProvidedSecret {
    pub(super) value: SecretValue,
    /// The participant, as messages name it.
    pub(super) from: String,
}

/// Joins the room and sends the request, which lasts for the time of the command. Shows who is waited for.
pub(super) async fn request_secret(
    context: &Context,
    args: &RoomArgs,
    from: &FromArgs,
    request: SecretRequest<'_>,
) -> anyhow::Result<ProvidedSecret> {
    let timeout = args.timeout;
    let start = Instant::now();
    let limit = timeout.saturating_add(MARGIN);
    in_shared_room(context, Target::resolve(context, args)?, limit, async |room| {
        let chosen = within_rest(start, timeout, from.choose(room)).await?;
        let SecretRequest {
            url,
            secret_type,
            delegate_to,
        } = request;
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
        Ok(ProvidedSecret {
            value: secret.value,
            from: chosen.shown,
        })
    })
    .await
}
