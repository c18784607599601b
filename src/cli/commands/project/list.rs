//! `meshagent project list`

use clap::Args;
use serde::Serialize;

use crate::account::projects;
use crate::cli::context::Context;
use crate::cli::error::Outcome;
use crate::cli::room::account::{ApiArgs, ApiTimeArgs, ask};
use crate::cli::ui::list::ListFormatArgs;

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  Your projects:
    $ meshagent project list

  Their ids alone, for a script:
    $ meshagent project list --output json | jq -r '.[].id'";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct ListArgs {
    #[command(flatten)]
    format: ListFormatArgs,
    #[command(flatten)]
    api: ApiArgs,
    #[command(flatten)]
    time: ApiTimeArgs,
}

/// A project, and whether commands are about it.
#[derive(Debug, Serialize)]
struct Listed {
    id: String,
    name: String,
    active: bool,
}

pub(super) async fn run(context: &Context, args: ListArgs) -> anyhow::Result<Outcome> {
    let account = args.api.account(context)?;
    let found = args
        .time
        .limit(ask(context, &account, async |token| {
            projects(&context.http, &account.api, token).await
        }))
        .await?;
    let active = account.project.as_ref().map(|project| &project.value);
    let listed = found.into_iter().map(|project| Listed {
        active: active == Some(&project.id),
        id: project.id,
        name: project.name,
    });
    let listed: Vec<Listed> = listed.collect();
    let row = |project: &Listed| {
        let active = if project.active { "*" } else { "" };
        [project.id.clone(), project.name.clone(), active.to_owned()]
    };
    let empty = "You have no projects.";
    args.format
        .show(&context.ui, &listed, ["ID", "NAME", "ACTIVE"], row, empty)
        .await?;
    Ok(Outcome::Done)
}
