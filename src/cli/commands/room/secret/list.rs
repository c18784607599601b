//! `meshagent room secret list`

use clap::Args;
use serde::Serialize;

use crate::cli::args::room::RoomArgs;
use crate::cli::context::Context;
use crate::cli::error::Outcome;
use crate::cli::room::{Target, in_room};
use crate::cli::ui::list::ListFormatArgs;
use crate::cli::ui::text::{escape_name, time};
use crate::wire::secrets::SecretInfo;

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  What you may see, as a table; in a pipeline it is JSON:
    $ meshagent room secret list --room demo

  Those whose ids start with db/:
    $ meshagent room secret list db/ --room demo

  The ids alone:
    $ meshagent room secret list --room demo --output json | jq -r '.[].id'";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct ListArgs {
    /// Only secrets whose ids start with this
    #[arg(value_name = "PREFIX", default_value = "", hide_default_value = true)]
    prefix: String,
    #[command(flatten)]
    format: ListFormatArgs,
    #[command(flatten)]
    room: RoomArgs,
}

/// A secret, as it is listed.
#[derive(Debug, Serialize)]
struct Listed {
    #[serde(flatten)]
    secret: SecretInfo,
    /// Always null: scripts for the Python command line may read it.
    agent_id: Option<String>,
}

pub(super) async fn run(context: &Context, args: ListArgs) -> anyhow::Result<Outcome> {
    let (secrets, empty) = in_room(context, Target::resolve(context, &args.room)?, async |room| {
        let which = match args.prefix.as_str() {
            "" => String::new(),
            prefix => format!(" whose ids start with `{}`", escape_name(prefix)),
        };
        let empty = format!(
            "There are no secrets for you{which} in room {}.",
            room.shown_name()
        );
        let secrets = room.secrets().list_secrets_with_prefix(&args.prefix).await?;
        let secrets = secrets.into_iter();
        let secrets: Vec<_> = secrets
            .map(|secret| Listed {
                secret,
                agent_id: None,
            })
            .collect();
        Ok((secrets, empty))
    })
    .await?;
    let header = ["ID", "TYPE", "NAME", "DELEGATED TO", "FROM", "UPDATED"];
    args.format
        .show(&context.ui, &secrets, header, row, &empty)
        .await?;
    Ok(Outcome::Done)
}

fn row(Listed { secret, .. }: &Listed) -> [String; 6] {
    let SecretInfo {
        id,
        secret_type,
        name,
        delegated_to,
        owner,
        updated_at,
        version: _,
    } = secret.clone();
    // A secret without a name of its own has its id for one.
    let name = if name == id { String::new() } else { name };
    // What another delegated is delegated to the reader: that says whose it is.
    let to = delegated_to.filter(|_| owner.is_none()).unwrap_or_default();
    let updated = updated_at.map(time).unwrap_or_default();
    [id, secret_type, name, to, owner.unwrap_or_default(), updated]
}
