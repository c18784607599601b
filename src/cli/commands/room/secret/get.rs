//! `meshagent room secret get`

use clap::Args;

use super::IdArgs;
use super::sources::DelegateArgs;
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

  Read what Ada delegated to you:
    $ meshagent room secret get tls/key --delegated-by ada";

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
    let sources = args.delegate.resolve(context)?;
    let secret = in_room(context, Target::resolve(context, &args.room)?, async |room| {
        context
            .ui
            .busy()
            .doing(format!("Reading {}", escape_name(id.as_str())));
        match sources.get(&room.secrets(), &id).await? {
            Some(secret) => Ok(secret),
            None => Err(sources.missing(room, std::slice::from_ref(&id)).await.into()),
        }
    })
    .await?;
    output.write(&context.ui, secret.value).await?;
    Ok(Outcome::Done)
}
