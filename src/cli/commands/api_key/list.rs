//! `meshagent api-key list`

use clap::Args;
use serde::Serialize;

use crate::cli::args::data_dir::DataDirArgs;
use crate::cli::context::Context;
use crate::cli::error::Outcome;
use crate::cli::room::LocalKeyRing;
use crate::cli::ui::list::ListFormatArgs;
use crate::cli::ui::text::time;

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  The API keys of the server on this machine:
    $ meshagent api-key list

  The ids of all but the current key, for a script:
    $ meshagent api-key list --output json \\
        | jq --raw-output '.[] | select(.current | not).id'";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct ListArgs {
    #[command(flatten)]
    format: ListFormatArgs,
    #[command(flatten)]
    data_dir: DataDirArgs,
}

/// A key as it is listed, without the key.
#[derive(Debug, Serialize)]
struct Listed {
    id: String,
    name: String,
    created_at: String,
    current: bool,
}

pub(super) async fn run(context: &Context, args: ListArgs) -> anyhow::Result<Outcome> {
    let ring = LocalKeyRing::open(context, &args.data_dir).await?;
    let stored = ring.stored().await?;
    ring.close().await?;
    let listed = stored.api_keys.into_iter().map(|stored| Listed {
        id: stored.key.id().to_string(),
        name: stored.name,
        created_at: time(stored.created_at),
        current: stored.current,
    });
    let row = |listed: &Listed| {
        let current = if listed.current { "current" } else { "" };
        [
            listed.id.clone(),
            listed.name.clone(),
            listed.created_at.clone(),
            current.to_owned(),
        ]
    };
    let listed: Vec<Listed> = listed.collect();
    let header = ["ID", "NAME", "CREATED", "USE"];
    args.format
        .show(&context.ui, &listed, header, row, "There is no API key.")
        .await?;
    Ok(Outcome::Done)
}
