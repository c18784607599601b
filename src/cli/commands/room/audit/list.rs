//! `meshagent room audit list`

use clap::Args;

use super::filter::FilterArgs;
use super::shown::{HEADER, Shown};
use crate::cli::args::data_dir::DataDirArgs;
use crate::cli::context::Context;
use crate::cli::error::Outcome;
use crate::cli::room::LocalStore;
use crate::cli::ui::list::ListFormatArgs;

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  Who read a secret in the last two days:
    $ meshagent room audit list --room demo --secret db/password --since 2d

  What an identity was refused, all of it, as JSON:
    $ meshagent room audit list --identity bob --outcome denied \\
        --limit 0 --output json";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct ListArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// Most entries: the last ones that match; 0 shows all
    #[arg(long, value_name = "N", default_value = "100")]
    limit: u64,
    #[command(flatten)]
    format: ListFormatArgs,
    #[command(flatten)]
    data_dir: DataDirArgs,
}

pub(super) async fn run(context: &Context, args: ListArgs) -> anyhow::Result<Outcome> {
    let store = LocalStore::open_existing(context, &args.data_dir).await?;
    let limit = (args.limit > 0).then_some(args.limit);
    let entries = store.audit_entries(args.filter.query(limit)).await?;
    store.close().await?;
    let shown: Vec<Shown> = entries.into_iter().map(Shown::from).collect();
    args.format
        .show(&context.ui, &shown, HEADER, Shown::row, "No entry matches.")
        .await?;
    Ok(Outcome::Done)
}
