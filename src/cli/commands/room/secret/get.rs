//! `meshagent room secret get`

use clap::Args;

use super::{DelegateArgs, IdArgs, not_found};
use crate::cli::args::output::OutputArgs;
use crate::cli::args::room::RoomArgs;
use crate::cli::context::Context;
use crate::cli::error::Outcome;
use crate::cli::room::{Target, in_room};
use crate::cli::ui::text::escape_name;

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  Print the value:
    $ meshagent room secret get db/password --room demo

  Write it to a file that only you can read:
    $ meshagent room secret get tls/key --out tls.key

  Read what somebody delegated to you, Bob:
    $ meshagent room secret get tls/key --delegated-to bob";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct GetArgs {
    #[command(flatten)]
    id: IdArgs,
    #[command(flatten)]
    delegate: DelegateArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    room: RoomArgs,
}

pub(super) async fn run(context: &Context, args: GetArgs) -> anyhow::Result<Outcome> {
    let id = args.id.id()?;
    let output = args.output.prepare()?;
    let secret = in_room(context, Target::resolve(context, &args.room)?, async |room| {
        context
            .ui
            .busy()
            .doing(format!("Reading {}", escape_name(id.as_str())));
        let secret = room.secrets().get_secret(&id, args.delegate.options()).await?;
        Ok(secret.ok_or_else(|| not_found(&id, args.delegate.identity()))?)
    })
    .await?;
    output.write(&context.ui, secret.value).await?;
    Ok(Outcome::Done)
}
