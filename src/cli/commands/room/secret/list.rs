//! `meshagent room secret list`

use clap::{Args, ValueEnum};

use crate::cli::args::RoomArgs;
use crate::cli::context::Context;
use crate::cli::failure::Outcome;
use crate::cli::room::in_room;
use crate::cli::text::escape;
use crate::wire::secrets::SecretInfo;

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  What you may see, as a table; in a pipeline it is JSON:
    $ meshagent room secret list --room demo

  The ids alone:
    $ meshagent room secret list --room demo --output json | jq -r '.[].id'";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct ListArgs {
    /// Form of the list; a table on a terminal, JSON otherwise
    #[arg(long, value_enum, value_name = "FORMAT")]
    output: Option<ListFormat>,
    #[command(flatten)]
    room: RoomArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ListFormat {
    Table,
    Json,
}

pub(super) async fn run(context: &Context, args: ListArgs) -> anyhow::Result<Outcome> {
    let ui = &context.ui;
    let by_default = if ui.answers_to_terminal() {
        ListFormat::Table
    } else {
        ListFormat::Json
    };
    in_room(context, &args.room, async |room| {
        let secrets = room.secrets().list_secrets().await?;
        match args.output.unwrap_or(by_default) {
            ListFormat::Json => ui.answer_line(&serde_json::to_string_pretty(&secrets)?)?,
            ListFormat::Table if secrets.is_empty() => {
                ui.note(&format!("There are no secrets for you in room {}.", room.name));
            }
            ListFormat::Table => ui.answer_table(&rows(&secrets))?,
        }
        Ok(Outcome::Done)
    })
    .await
}

fn rows(secrets: &[SecretInfo]) -> Vec<Vec<String>> {
    let header = ["ID", "TYPE", "NAME", "DELEGATED TO"].map(str::to_owned).to_vec();
    let row = |secret: &SecretInfo| {
        let delegated_to = secret.delegated_to.as_deref().unwrap_or_default();
        [
            secret.id.as_str(),
            &secret.secret_type,
            &secret.name,
            delegated_to,
        ]
        .map(escape)
        .to_vec()
    };
    std::iter::once(header).chain(secrets.iter().map(row)).collect()
}
