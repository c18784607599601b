//! `meshagent room audit prune`

use clap::Args;

use crate::cli::args::data_dir::DataDirArgs;
use crate::cli::args::time::parse_time;
use crate::cli::context::Context;
use crate::cli::error::Outcome;
use crate::cli::room::{LocalStore, command_user};
use crate::cli::ui::terminal::confirm_deletion;
use crate::cli::ui::text::{count, time_millis};

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  Keep the last year; on a terminal you are asked first:
    $ meshagent room audit prune --before 365d

  What is older than a day, without being asked:
    $ meshagent room audit prune --before 2026-01-01 --yes";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct PruneArgs {
    /// Remove what is older: 2026-01-31, 2026-01-31T12:00:00Z, or how long ago, like 90d
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    before: u64,
    /// Also remove entries that are not what was written; verify, and keep a copy, first
    #[arg(long)]
    force: bool,
    /// Do not ask; needed at a terminal where you cannot be asked, as with --no-input
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    data_dir: DataDirArgs,
}

pub(super) async fn run(context: &Context, args: PruneArgs) -> anyhow::Result<Outcome> {
    if !args.yes {
        let question = format!(
            "Remove the audit log's entries from before {}? They cannot be brought back.",
            time_millis(args.before)
        );
        confirm_deletion(&context.ui, &question).await?;
    }
    let store = LocalStore::open_existing(context, &args.data_dir).await?;
    let pruned = store
        .prune_audit(args.before, command_user(context), args.force)
        .await?;
    store.close().await?;
    let pruned = count(usize::try_from(pruned).unwrap_or(usize::MAX), "entry");
    context.ui.note(&format!("Removed {pruned}."));
    Ok(Outcome::Done)
}
