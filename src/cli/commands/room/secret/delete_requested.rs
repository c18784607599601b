//! `meshagent room secret delete-requested`

use clap::Args;

use super::{delegated, parse_identity};
use crate::cli::args::room::RoomArgs;
use crate::cli::context::Context;
use crate::cli::error::{CommandError, Kind, Outcome};
use crate::cli::room::{Target, in_room};
use crate::cli::ui::terminal::confirm_deletion;
use crate::cli::ui::text::{escape, escape_name};
use crate::wire::{ErrorCode, Identity, SecretUrl};

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  Forget what was answered for a URL, so that the participant is asked again:
    $ meshagent room secret delete-requested --room demo \\
        --url https://db.example

  Only what bob was given:
    $ meshagent room secret delete-requested --room demo \\
        --url https://db.example --delegated-to bob --yes";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct DeleteRequestedArgs {
    /// What the secret was asked for by
    #[arg(long, value_name = "URL")]
    url: SecretUrl,
    /// Type that was asked for [default: application/octet-stream]
    #[arg(long = "type", value_name = "TYPE")]
    secret_type: Option<String>,
    /// Delete only what is delegated to this identity
    #[arg(long, value_name = "IDENTITY", value_parser = parse_identity)]
    delegated_to: Option<Identity>,
    /// Do not ask; needed at a terminal where you cannot be asked, as with --no-input
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    room: RoomArgs,
}

pub(super) async fn run(context: &Context, args: DeleteRequestedArgs) -> anyhow::Result<Outcome> {
    let shown = escape(args.url.as_str());
    let target = Target::resolve(context, &args.room)?;
    let room = target.room().clone();
    if !args.yes {
        let question = format!(
            "Delete the answers for {shown}{} in room {}?",
            delegated(args.delegated_to.as_ref()),
            escape_name(room.as_str()),
        );
        confirm_deletion(&context.ui, &question).await?;
    }
    in_room(context, target, async |room| {
        let deleted = room
            .secrets()
            .delete_requested_secret(
                args.url.as_str(),
                args.secret_type.as_deref(),
                args.delegated_to.as_ref(),
            )
            .await;
        match deleted {
            Err(error) if error.code() == Some(ErrorCode::NotFound) => {
                let message = format!("there is no answer for {shown} that you gave or were given");
                Err(CommandError::new(Kind::NotFound, message)
                    .hint("check --url and --type; `meshagent room secret list` shows answers by their URL")
                    .into())
            }
            deleted => {
                deleted?;
                context.ui.note(&format!(
                    "Deleted the answers for {shown} in room {}.",
                    room.shown_name()
                ));
                Ok(Outcome::Done)
            }
        }
    })
    .await
}
