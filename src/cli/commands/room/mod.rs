//! `meshagent room …`

mod secret;
mod serve;

use clap::Subcommand;

use crate::cli::context::Context;
use crate::cli::failure::Outcome;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum RoomCommand {
    /// Store, read, list and delete the room's secrets
    #[command(subcommand, visible_alias = "secrets")]
    Secret(secret::SecretCommand),
    /// Serve rooms from this machine
    Serve(serve::ServeArgs),
}

impl RoomCommand {
    pub(in crate::cli) async fn run(self, context: &Context) -> anyhow::Result<Outcome> {
        match self {
            Self::Secret(command) => command.run(context).await,
            Self::Serve(args) => serve::run(context, args).await,
        }
    }
}
