//! `meshagent room secret delete`

use clap::Args;
use futures_util::future::join_all;

use super::{delegated, not_found_all, parse_id, parse_identity};
use crate::cli::args::room::RoomArgs;
use crate::cli::context::Context;
use crate::cli::error::{Outcome, together};
use crate::cli::room::{Target, in_room};
use crate::cli::ui::terminal::confirm_deletion;
use crate::cli::ui::text::escape_name;
use crate::wire::{ErrorCode, Identity, SecretId};

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  Delete two secrets; on a terminal you are asked first:
    $ meshagent room secret delete db/password api/key --room demo

  Take back what was delegated to Bob, without being asked:
    $ meshagent room secret delete tls/key --delegated-to bob --yes";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct DeleteArgs {
    /// Ids of the secrets
    #[arg(value_name = "ID", value_parser = parse_id, required_unless_present = "flags")]
    ids: Vec<SecretId>,
    /// The same as ID
    #[arg(id = "flags", long = "id", value_name = "ID", value_parser = parse_id, allow_hyphen_values = true, hide_short_help = true)]
    flags: Vec<SecretId>,
    /// Delete the secrets that are delegated to this identity
    #[arg(long, value_name = "IDENTITY", value_parser = parse_identity)]
    delegated_to: Option<Identity>,
    /// Do not ask; needed at a terminal where you cannot be asked, as with --no-input
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    room: RoomArgs,
}

pub(super) async fn run(context: &Context, args: DeleteArgs) -> anyhow::Result<Outcome> {
    let ids: Vec<SecretId> = args.ids.into_iter().chain(args.flags).collect();
    let shown: Vec<String> = ids.iter().map(|id| escape_name(id.as_str())).collect();
    let ui = &context.ui;
    let target = Target::resolve(context, &args.room)?;
    let room = target.room().clone();
    if !args.yes {
        let question = format!(
            "Delete {}{} from room {}? {} cannot be brought back.",
            shown.join(", "),
            delegated(args.delegated_to.as_ref()),
            escape_name(room.as_str()),
            if ids.len() == 1 { "It" } else { "They" },
        );
        confirm_deletion(&context.ui, &question).await?;
    }
    let delegated_to = args.delegated_to.as_ref();
    in_room(context, target, async |room| {
        let secrets = room.secrets();
        // All at once; one that fails does not keep the others.
        let outcomes = join_all(ids.iter().map(|id| secrets.delete_secret(id, delegated_to))).await;
        let (mut missing, mut failures) = (Vec::new(), Vec::new());
        for ((id, shown), outcome) in ids.iter().zip(&shown).zip(outcomes) {
            match outcome {
                Ok(()) => ui.note(&format!("Deleted {shown} from room {}.", room.shown_name())),
                Err(error) if error.code() == Some(ErrorCode::NotFound) => missing.push(id.clone()),
                Err(error) => {
                    failures.push(anyhow::Error::from(error).context(format!("{shown} was not deleted")));
                }
            }
        }
        if !missing.is_empty() {
            failures.push(not_found_all(&missing, delegated_to, &[]).into());
        }
        together(failures)?;
        Ok(Outcome::Done)
    })
    .await
}
