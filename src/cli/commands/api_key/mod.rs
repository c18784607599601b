//! `meshagent api-key …`

mod create;
mod delete;
mod list;

use clap::Subcommand;

use crate::cli::args::deferred::Deferred;
use crate::cli::context::Context;
use crate::cli::error::Outcome;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ApiKeyCommand {
    /// Create an API key, and print it once
    Create(Deferred<create::CreateArgs>),
    /// List the API keys: their ids, not the keys
    #[command(visible_alias = "ls")]
    List(Deferred<list::ListArgs>),
    /// Delete an API key; its tokens and sessions end at once
    #[command(visible_alias = "rm")]
    Delete(Deferred<delete::DeleteArgs>),
}

impl ApiKeyCommand {
    pub(in crate::cli) async fn run(self, context: &Context) -> anyhow::Result<Outcome> {
        match self {
            Self::Create(Deferred(args)) => create::run(context, args).await,
            Self::List(Deferred(args)) => list::run(context, args).await,
            Self::Delete(Deferred(args)) => delete::run(context, args).await,
        }
    }
}
