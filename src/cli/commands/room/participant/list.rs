//! `meshagent room participant list`

use clap::Args;
use serde::Serialize;

use crate::cli::args::room::RoomArgs;
use crate::cli::context::Context;
use crate::cli::error::Outcome;
use crate::cli::room::{Target, in_shared_room};
use crate::cli::ui::list::ListFormatArgs;

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  Who else is here:
    $ meshagent room participant list --room demo

  Their names, for a script:
    $ meshagent room participant list --room demo --output json \\
        | jq --raw-output '.[].name'";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct ListArgs {
    #[command(flatten)]
    format: ListFormatArgs,
    #[command(flatten)]
    room: RoomArgs,
}

/// A participant, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Listed {
    id: String,
    name: String,
    role: String,
}

pub(super) async fn run(context: &Context, args: ListArgs) -> anyhow::Result<Outcome> {
    let (listed, empty) = in_shared_room(
        context,
        Target::resolve(context, &args.room)?,
        args.room.timeout,
        async |room| {
            let present = room.client().participants().await?;
            let mut listed: Vec<Listed> = present
                .all()
                .map(|participant| Listed {
                    id: participant.id.to_string(),
                    name: participant.name().unwrap_or_default().to_owned(),
                    role: participant.role.clone(),
                })
                .collect();
            listed.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
            Ok((listed, format!("Nobody else is in room {}.", room.shown_name())))
        },
    )
    .await?;
    let row = |listed: &Listed| [listed.id.clone(), listed.name.clone(), listed.role.clone()];
    args.format
        .show(&context.ui, &listed, ["ID", "NAME", "ROLE"], row, &empty)
        .await?;
    Ok(Outcome::Done)
}
