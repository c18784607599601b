//! `meshagent room participant …`

mod list;

use clap::Subcommand;

use crate::cli::args::deferred::Deferred;
use crate::cli::context::Context;
use crate::cli::error::Outcome;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ParticipantCommand {
    /// List who else is in the room, by id and name
    #[command(visible_alias = "ls")]
    List(Deferred<list::ListArgs>),
}

impl ParticipantCommand {
    pub(in crate::cli) async fn run(self, context: &Context) -> anyhow::Result<Outcome> {
        match self {
            Self::List(Deferred(args)) => list::run(context, args).await,
        }
    }
}
