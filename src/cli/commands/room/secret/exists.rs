//! `meshagent room secret exists`

use clap::Args;

use super::sources::DelegateArgs;
use super::{IdArgs, parse_identity};
use crate::cli::args::room::RoomArgs;
use crate::cli::context::Context;
use crate::cli::error::Outcome;
use crate::cli::room::{Target, in_room};
use crate::secrets::{ExistsOptions, GetOptions};
use crate::wire::Identity;

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  Print true or false:
    $ meshagent room secret exists db/password --room demo

  Decide by the exit code, and print nothing:
    $ meshagent room secret exists db/password --quiet || echo missing";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct ExistsArgs {
    #[command(flatten)]
    id: IdArgs,
    #[command(flatten)]
    delegate: DelegateArgs,
    /// Look among the secrets of another identity; needs the admin grant
    #[arg(long, value_name = "IDENTITY", value_parser = parse_identity)]
    for_identity: Option<Identity>,
    /// Exit with 3 if it is not there; --quiet does so too
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    room: RoomArgs,
}

pub(super) async fn run(context: &Context, args: ExistsArgs) -> anyhow::Result<Outcome> {
    let id = args.id.id()?;
    // What the environment says of one's own reading says nothing of another's.
    let sources = if args.for_identity.is_some() {
        args.delegate.flags()
    } else {
        args.delegate.resolve(context)?
    };
    let exists = in_room(context, Target::resolve(context, &args.room)?, async |room| {
        for GetOptions {
            delegated_to,
            delegated_by,
        } in sources.options()
        {
            let options = ExistsOptions {
                delegated_to,
                delegated_by,
                for_identity: args.for_identity.clone(),
            };
            if room.secrets().exists(&id, options).await? {
                return Ok(true);
            }
        }
        Ok(false)
    })
    .await?;
    if !context.ui.is_quiet() {
        context
            .ui
            .answer_line(if exists { "true" } else { "false" })
            .await?;
    }
    Ok(if (args.exit_code || context.ui.is_quiet()) && !exists {
        Outcome::Absent
    } else {
        Outcome::Done
    })
}
