//! Credentials that another participant gives, as an answer to a request of the type `git`.

use crate::cli::args::room::RoomArgs;
use crate::cli::commands::room::secret::request_secret::{SecretRequest, request_secret};
use crate::cli::context::Context;
use crate::cli::formats::git_credential::{Credential, Description, NOT_A_CREDENTIAL, SECRET_TYPE};
use crate::cli::room::participant::FromArgs;
use crate::cli::room::{Target, in_room};
use crate::cli::ui::text::{escape, shell_word};
use crate::sensitive::SecretValue;
use crate::wire::{ErrorCode, Identity};

/// The answer to git: what the participant gives, now or earlier. None where that is not what git means.
pub(super) async fn get(
    context: &Context,
    args: &RoomArgs,
    from: &FromArgs,
    description: &Description,
) -> anyhow::Result<Option<SecretValue>> {
    let url = description.url()?;
    let request = SecretRequest {
        url: &url,
        secret_type: Some(SECRET_TYPE),
        delegate_to: None,
    };
    let answer = request_secret(context, args, from, request).await?;
    let wrong = match Credential::from_value(&answer.value) {
        Some(credential) if description.fits(&credential) => {
            return Ok(Some(description.answer(&credential)));
        }
        Some(_) => "is for another user than git wants",
        None => NOT_A_CREDENTIAL,
    };
    // Git has nothing erased that it was not given, and the answer would stay.
    context.ui.warn(&format!(
        "the answer of {} for {} {wrong}; to have it asked for again: \
         meshagent room secret delete-requested --type {SECRET_TYPE} --url {}",
        answer.from,
        escape(&url),
        shell_word(&url),
    ));
    Ok(None)
}

/// Has the participant asked again the next time. That there is no answer is no error.
pub(super) async fn erase(
    context: &Context,
    args: &RoomArgs,
    description: &Description,
) -> anyhow::Result<()> {
    let url = description.url()?;
    in_room(context, Target::resolve(context, args)?, async |room| {
        // What one gave to others is theirs to judge.
        let me = room.own_name().map(Identity::new).transpose()?;
        let deleted = room
            .secrets()
            .delete_requested_secret(&url, Some(SECRET_TYPE), me.as_ref())
            .await;
        match deleted {
            Err(error) if error.code() == Some(ErrorCode::NotFound) => Ok(()),
            deleted => Ok(deleted?),
        }
    })
    .await
}
