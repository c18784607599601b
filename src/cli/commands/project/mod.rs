//! `meshagent project …`

mod activate;
mod list;

use clap::Subcommand;

use crate::cli::args::deferred::Deferred;
use crate::cli::context::Context;
use crate::cli::error::Outcome;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ProjectCommand {
    /// List your projects
    List(Deferred<list::ListArgs>),
    /// Choose the project that commands are about
    Activate(Deferred<activate::ActivateArgs>),
}

impl ProjectCommand {
    pub(in crate::cli) async fn run(self, context: &Context) -> anyhow::Result<Outcome> {
        match self {
            Self::List(Deferred(args)) => list::run(context, args).await,
            Self::Activate(Deferred(args)) => activate::run(context, args).await,
        }
    }
}
