//! `meshagent room audit …`: the audit log of the room server on this machine.

mod filter;
mod follow;
mod list;
mod prune;
mod shown;
mod verify;

use clap::Subcommand;

use crate::cli::args::deferred::Deferred;
use crate::cli::context::Context;
use crate::cli::error::Outcome;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum AuditCommand {
    /// List who had access to which secret
    #[command(visible_alias = "ls")]
    List(Deferred<list::ListArgs>),
    /// Show entries as they are recorded, until you press Ctrl-C
    Follow(Deferred<follow::FollowArgs>),
    /// Check that the log is what was written
    ///
    /// Each entry's MAC covers the entry before it. An entry that was changed, moved or removed is named. Whoever can write
    /// to the database can cut off its end together with the row that knows it: an anchor shows that, which the server
    /// writes to its log every minute as SEQ:MAC. Exit code 1 says that something is wrong.
    Verify(Deferred<verify::VerifyArgs>),
    /// Remove old entries
    ///
    /// What is left can still be verified: the log keeps the MAC that it continues from. The removal is an entry itself.
    /// A server does this by itself with --audit-keep.
    Prune(Deferred<prune::PruneArgs>),
}

impl AuditCommand {
    pub(in crate::cli) async fn run(self, context: &Context) -> anyhow::Result<Outcome> {
        match self {
            Self::List(Deferred(args)) => list::run(context, args).await,
            Self::Follow(Deferred(args)) => follow::run(context, args).await,
            Self::Verify(Deferred(args)) => verify::run(context, args).await,
            Self::Prune(Deferred(args)) => prune::run(context, args).await,
        }
    }
}
