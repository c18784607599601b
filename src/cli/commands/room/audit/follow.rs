//! `meshagent room audit follow`

use std::time::Duration;

use clap::Args;
use tokio::time::sleep;

use super::filter::FilterArgs;
use super::shown::Shown;
use crate::cli::args::data_dir::DataDirArgs;
use crate::cli::context::Context;
use crate::cli::error::Outcome;
use crate::cli::room::LocalStore;
use crate::cli::ui::list::ListFormatArgs;
use crate::cli::ui::text::escape_name;
use crate::server::store::AuditQuery;

/// How long to wait between two looks at the log.
const PAUSE: Duration = Duration::from_millis(250);

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  What happens in a room from now on:
    $ meshagent room audit follow --room demo

  Each refusal as a line of JSON, for another program:
    $ meshagent room audit follow --outcome denied --output json \\
        | tee denied.jsonl";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct FollowArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// Show the last entries that match first
    #[arg(long, value_name = "N", default_value = "10")]
    last: u64,
    #[command(flatten)]
    format: ListFormatArgs,
    #[command(flatten)]
    data_dir: DataDirArgs,
}

pub(super) async fn run(context: &Context, args: FollowArgs) -> anyhow::Result<Outcome> {
    let store = LocalStore::open_existing(context, &args.data_dir).await?;
    let as_table = args.format.is_table(&context.ui);
    let mut query = args.filter.query(Some(args.last));
    // Whatever is recorded from here on is shown.
    let mut shown_to = store.last_entry().await?;
    loop {
        for recorded in store.audit_entries(query).await? {
            shown_to = shown_to.max(recorded.seq);
            let shown = Shown::from(recorded);
            let line = if as_table {
                line(&shown)
            } else {
                serde_json::to_string(&shown)?
            };
            context.ui.answer_line(&line).await?;
        }
        sleep(PAUSE).await;
        query = AuditQuery {
            after: shown_to,
            ..args.filter.query(None)
        };
    }
}

/// An entry in one line, without what it does not have.
fn line(shown: &Shown) -> String {
    let cells = shown.row();
    let cells = cells.iter().filter(|cell| !cell.is_empty());
    cells.map(|cell| escape_name(cell)).collect::<Vec<_>>().join("  ")
}
