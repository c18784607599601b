//! `meshagent room key …`

mod rekey;
mod rotate;
mod status;

use clap::Subcommand;

use crate::cli::args::deferred::Deferred;
use crate::cli::context::Context;
use crate::cli::error::Outcome;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum KeyCommand {
    /// Show where the store's key comes from, and how many secrets each store key seals
    Status(Deferred<status::StatusArgs>),
    /// Make a new store key and seal every secret anew with it, also while a server runs
    Rotate(Deferred<rotate::RotateArgs>),
    /// Let another key open the store, also while a server runs
    Rekey(Deferred<rekey::RekeyArgs>),
}

impl KeyCommand {
    pub(in crate::cli) async fn run(self, context: &Context) -> anyhow::Result<Outcome> {
        match self {
            Self::Status(Deferred(args)) => status::run(context, args).await,
            Self::Rotate(Deferred(args)) => rotate::run(context, args).await,
            Self::Rekey(Deferred(args)) => rekey::run(context, args).await,
        }
    }
}
