//! `meshagent token …`

mod generate;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::cli::error::Outcome;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum TokenCommand {
    /// Sign a participant token with an API key
    Generate(generate::GenerateArgs),
}

impl TokenCommand {
    pub(in crate::cli) async fn run(self, context: &Context) -> anyhow::Result<Outcome> {
        match self {
            Self::Generate(args) => generate::run(context, args).await,
        }
    }
}
