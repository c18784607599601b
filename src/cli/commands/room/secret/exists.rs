//! `meshagent room secret exists`

use clap::Args;

use super::{IdArgs, parse_identity};
use crate::cli::args::room::RoomArgs;
use crate::cli::context::Context;
use crate::cli::error::Outcome;
use crate::cli::room::{Target, in_room};
use crate::secrets::ExistsOptions;
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
    /// Look for the secret that is delegated to this identity
    #[arg(long, value_name = "IDENTITY", value_parser = parse_identity)]
    delegated_to: Option<Identity>,
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
    let exists = in_room(context, Target::resolve(context, &args.room)?, async |room| {
        let options = ExistsOptions {
            delegated_to: args.delegated_to,
            delegated_by: None,
            for_identity: args.for_identity,
        };
        let secrets = room.secrets();
        Ok(secrets.exists(&id, options).await?)
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
