//! `meshagent token …`

mod generate;
mod given;
mod inspect;
mod revoke;

use clap::Subcommand;

use crate::cli::args::deferred::Deferred;
use crate::cli::context::Context;
use crate::cli::error::Outcome;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum TokenCommand {
    /// Sign a participant token with an API key
    Generate(Deferred<generate::GenerateArgs>),
    /// Say what a token is, and whether it is accepted
    Inspect(Deferred<inspect::InspectArgs>),
    /// Refuse tokens from now on, and end their sessions
    Revoke(Deferred<revoke::RevokeArgs>),
}

impl TokenCommand {
    pub(in crate::cli) async fn run(self, context: &Context) -> anyhow::Result<Outcome> {
        match self {
            Self::Generate(Deferred(args)) => generate::run(context, args).await,
            Self::Inspect(Deferred(args)) => inspect::run(context, args).await,
            Self::Revoke(Deferred(args)) => revoke::run(context, args).await,
        }
    }
}
