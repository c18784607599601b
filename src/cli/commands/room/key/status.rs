//! `meshagent room key status`

use clap::Args;
use serde_json::{Value, json};

use crate::cli::args::data_dir::DataDirArgs;
use crate::cli::context::Context;
use crate::cli::error::Outcome;
use crate::cli::room::LocalKeyRing;
use crate::cli::ui::list::ListFormatArgs;
use crate::cli::ui::text::{count, time};
use crate::server::store::KeyStatus;

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  The keys of the store on this machine:
    $ meshagent room key status

  What a rotation that was interrupted has left, for a script:
    $ meshagent room key status --output json | jq .rows_left";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct StatusArgs {
    #[command(flatten)]
    format: ListFormatArgs,
    #[command(flatten)]
    data_dir: DataDirArgs,
}

pub(super) async fn run(context: &Context, args: StatusArgs) -> anyhow::Result<Outcome> {
    let ring = LocalKeyRing::open_existing(context, &args.data_dir).await?;
    let status = ring.key_status().await?;
    ring.close().await?;
    if args.format.is_table(&context.ui) {
        context.ui.answer_table(&rows(&status), 0).await?;
    } else {
        let shown = serde_json::to_string_pretty(&as_json(&status))?;
        context.ui.answer_line(&shown).await?;
    }
    if status.slots.len() > 1 {
        context.ui.note(
            "note: a change of the key's source is not finished: run `meshagent room key rekey` again, with the same new source",
        );
    }
    if status.store_keys.len() > 1 {
        context.ui.note(&format!(
            "note: a rotation is not finished, and {} left: run `meshagent room key rotate` again",
            match status.rows_left() {
                1 => "1 row is".to_owned(),
                rows => format!("{} are", count(rows, "row")),
            }
        ));
    }
    Ok(Outcome::Done)
}

fn rows(status: &KeyStatus) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for slot in &status.slots {
        rows.push(vec![
            "key source".to_owned(),
            slot.source.clone(),
            format!("since {}", time(slot.created_at)),
        ]);
    }
    for key in &status.store_keys {
        let current = if key.is_current { ", current" } else { "" };
        rows.push(vec![
            format!("store key {}", key.number),
            format!("{}{current}", count(key.rows, "row")),
            format!("since {}", time(key.created_at)),
        ]);
    }
    rows
}

fn as_json(status: &KeyStatus) -> Value {
    let sources = status.slots.iter().map(|slot| {
        json!({
            "slot": slot.number,
            "source": slot.source,
            "created_at": time(slot.created_at),
        })
    });
    let store_keys = status.store_keys.iter().map(|key| {
        json!({
            "number": key.number,
            "current": key.is_current,
            "created_at": time(key.created_at),
            "rows": key.rows,
        })
    });
    json!({
        "sources": sources.collect::<Vec<_>>(),
        "store_keys": store_keys.collect::<Vec<_>>(),
        "rows_left": status.rows_left(),
    })
}
