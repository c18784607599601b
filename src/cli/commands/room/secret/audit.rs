//! `meshagent room secret audit`

use clap::Args;

use super::IdArgs;
use crate::cli::args::room::RoomArgs;
use crate::cli::context::Context;
use crate::cli::error::{CommandError, Kind, Outcome};
use crate::cli::room::{Target, in_room};
use crate::cli::ui::list::ListFormatArgs;
use crate::cli::ui::text::time_millis;
use crate::wire::ErrorCode;
use crate::wire::secrets::audit::SecretAccess;

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  Who read a secret of yours, or tried to, and when:
    $ meshagent room secret audit db/password --room demo

  The names of those who got it, in a script:
    $ meshagent room secret audit db/password --output json \\
        | jq -r '.[] | select(.operation == \"get_secret\").identity'";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct AuditArgs {
    #[command(flatten)]
    id: IdArgs,
    /// Most accesses: the newest ones
    #[arg(long, value_name = "N", default_value = "100")]
    limit: usize,
    #[command(flatten)]
    format: ListFormatArgs,
    #[command(flatten)]
    room: RoomArgs,
}

pub(super) async fn run(context: &Context, args: AuditArgs) -> anyhow::Result<Outcome> {
    let id = args.id.id()?;
    let (accesses, empty) = in_room(context, Target::resolve(context, &args.room)?, async |room| {
        let accesses = match room.secrets().secret_accesses(&id, args.limit).await {
            Err(error) if error.code() == Some(ErrorCode::NotFound) => {
                let error = CommandError::new(
                    Kind::Failed,
                    "this server does not say who had access to a secret",
                );
                return Err(error.into());
            }
            accesses => accesses?,
        };
        let empty = format!(
            "The log of room {} has no access to a secret of yours with this id.",
            room.shown_name()
        );
        Ok((accesses, empty))
    })
    .await?;
    let header = [
        "TIME",
        "IDENTITY",
        "OPERATION",
        "OUTCOME",
        "DELEGATED TO",
        "PARTICIPANT",
    ];
    args.format
        .show(&context.ui, &accesses, header, row, &empty)
        .await?;
    Ok(Outcome::Done)
}

fn row(access: &SecretAccess) -> [String; 6] {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    [
        time_millis(access.at),
        text(&access.identity),
        access.operation.clone(),
        access.outcome.clone(),
        text(&access.delegated_to),
        text(&access.participant_id),
    ]
}
