//! `meshagent token …`

mod generate;
mod given;
mod inspect;
mod revoke;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::cli::error::Outcome;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum TokenCommand {
    /// Sign a participant token with an API key
    Generate(generate::GenerateArgs),
    /// Say what a token is, and whether it is accepted
    Inspect(inspect::InspectArgs),
    /// Refuse tokens from now on, and end their sessions
    Revoke(revoke::RevokeArgs),
}

impl TokenCommand {
    pub(in crate::cli) async fn run(self, context: &Context) -> anyhow::Result<Outcome> {
        match self {
            Self::Generate(args) => generate::run(context, args).await,
            Self::Inspect(args) => inspect::run(context, args).await,
            Self::Revoke(args) => revoke::run(context, args).await,
        }
    }
}
