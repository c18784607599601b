//! `meshagent room secret export`

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;

use super::read_many::{AuthorizationParameters, fetch, fetch_each};
use super::{DelegateArgs, parse_id};
use crate::cli::args::env_secret::EnvSecret;
use crate::cli::args::output::OutputArgs;
use crate::cli::args::room::RoomArgs;
use crate::cli::context::Context;
use crate::cli::error::{CommandError, Kind, Outcome};
use crate::cli::formats::dotenv::is_variable_name;
use crate::cli::formats::{Format, Record, write_json, write_variables};
use crate::cli::room::{JoinedRoom, Target, in_room};
use crate::cli::ui::text::escape_name;
use crate::secrets::Secret;
use crate::sensitive::SecretValue;
use crate::wire::{Identity, SecretId};

/// Most ids that an error names.
const MAX_NAMED: usize = 5;

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  Write a file that `source` and `import` read:
    $ meshagent room secret export API_KEY --env-secret PGPASSWORD=db/password --out app.env

  Give secrets to a container:
    $ meshagent room secret export API_KEY --format docker --out app.env
    $ docker run --env-file app.env my-image

  Keep a copy of all that you own:
    $ meshagent room secret export --format json --out secrets.json";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct ExportArgs {
    /// Ids of the secrets; none of them means all of yours
    #[arg(value_name = "ID", value_parser = parse_id)]
    ids: Vec<SecretId>,
    /// Export a secret as the variable NAME, as its id may be no name for one; repeat it for more
    #[arg(long, value_name = "NAME=ID")]
    env_secret: Vec<EnvSecret>,
    /// Form of the file: env is for shells and import, docker for --env-file, json holds everything
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "env")]
    format: Format,
    #[command(flatten)]
    delegate: DelegateArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    room: RoomArgs,
}

pub(super) async fn run(context: &Context, args: ExportArgs) -> anyhow::Result<Outcome> {
    let output = args.output.prepare()?;
    let what = match args.format {
        Format::Json if !args.env_secret.is_empty() => {
            return Err(
                CommandError::new(Kind::Usage, "--env-secret is for environment files")
                    .hint("JSON keeps the ids as they are: give them as arguments")
                    .into(),
            );
        }
        Format::Json => What::Records,
        format => What::Variables(format, asked_names(&args)?),
    };
    let file = in_room(context, Target::resolve(context, &args.room)?, async |room| {
        let file = match what {
            What::Records => write_json(&records(room, &args).await?)?,
            What::Variables(format, names) => variables(room, &args, format, names).await?,
        };
        if args.exports_all() && matches!(file.expose().as_slice(), b"" | b"[]\n") {
            context.ui.note(&format!(
                "There are no secrets to export in room {}.",
                room.shown_name()
            ));
        }
        Ok(file)
    })
    .await?;
    output.write(&context.ui, file).await?;
    Ok(Outcome::Done)
}

/// What the file has in it.
enum What {
    Records,
    /// Variables in this form; none that are asked for means all that there are.
    Variables(Format, BTreeMap<String, SecretId>),
}

impl ExportArgs {
    const fn exports_all(&self) -> bool {
        self.ids.is_empty() && self.env_secret.is_empty()
    }
}

async fn variables(
    room: &JoinedRoom,
    args: &ExportArgs,
    format: Format,
    mut names: BTreeMap<String, SecretId>,
) -> anyhow::Result<SecretValue> {
    let delegated_to = args.delegate.identity();
    if args.exports_all() {
        let all = all_of(room, delegated_to).await?;
        // What was delegated to others is for them, and may have the same id.
        let mine = all
            .into_iter()
            .filter(|wanted| wanted.delegated_to.as_ref() == delegated_to);
        names = names_of(mine.map(|wanted| wanted.id))?;
    }
    let found = fetch(room, names.values().cloned().collect(), delegated_to).await?;
    let variables = names
        .iter()
        .filter_map(|(name, id)| found.get(id).map(|secret| (name.as_str(), id, &secret.value)));
    write_variables(format, variables)
}

/// The secrets, whole. Of all that there are, those that were deleted meanwhile are left out.
async fn records(room: &JoinedRoom, args: &ExportArgs) -> anyhow::Result<Vec<Record>> {
    let delegated_to = args.delegate.identity();
    let found: Vec<(AuthorizationParameters, Option<Secret>)> = if args.exports_all() {
        fetch_each(room, all_of(room, delegated_to).await?).await?
    } else {
        let found = fetch(room, args.ids.iter().cloned().collect(), delegated_to).await?;
        let wanted = |id| AuthorizationParameters {
            id,
            delegated_to: delegated_to.cloned(),
        };
        found
            .into_iter()
            .map(|(id, secret)| (wanted(id), Some(secret)))
            .collect()
    };
    let me = room.own_name();
    let record = |(wanted, secret): (AuthorizationParameters, Option<Secret>)| {
        let secret = secret?;
        Some(Record {
            id: wanted.id,
            secret_type: Some(secret.secret_type),
            name: Some(secret.name),
            // What was delegated to me is mine once I import it.
            delegated_to: wanted
                .delegated_to
                .filter(|delegate| Some(delegate.as_str()) != me),
            value: secret.value,
        })
    };
    Ok(found.into_iter().filter_map(record).collect())
}

/// All that the caller owns and that is for itself or for others; or all that is delegated to
/// `delegated_to`.
async fn all_of(
    room: &JoinedRoom,
    delegated_to: Option<&Identity>,
) -> anyhow::Result<BTreeSet<AuthorizationParameters>> {
    let me = room.own_name();
    let mut all = BTreeSet::new();
    for info in room.secrets().list_secrets().await? {
        let delegate = info.delegated_to.as_deref();
        let wanted = match delegated_to {
            Some(delegated_to) => delegate == Some(delegated_to.as_str()),
            // What is delegated to me may be another's.
            None => delegate.is_none() || delegate != me,
        };
        if wanted {
            let delegated_to = info.delegated_to.map(Identity::new).transpose()?;
            all.insert(AuthorizationParameters {
                id: SecretId::new(info.id)?,
                delegated_to,
            });
        }
    }
    Ok(all)
}

/// The variables that are asked for, each with its secret.
fn asked_names(args: &ExportArgs) -> anyhow::Result<BTreeMap<String, SecretId>> {
    let mut names = names_of(args.ids.iter().cloned())?;
    for EnvSecret { name, id } in &args.env_secret {
        if names.insert(name.clone(), id.clone()).is_some() {
            return Err(CommandError::new(Kind::Usage, format!("{name} is named twice"))
                .hint("a variable has one value")
                .into());
        }
    }
    Ok(names)
}

/// Variables that are named as their secrets' ids are.
fn names_of(ids: impl IntoIterator<Item = SecretId>) -> anyhow::Result<BTreeMap<String, SecretId>> {
    let (fit, unfit): (Vec<SecretId>, Vec<SecretId>) =
        ids.into_iter().partition(|id| is_variable_name(id.as_str()));
    if unfit.is_empty() {
        return Ok(fit.into_iter().map(|id| (id.to_string(), id)).collect());
    }
    let mut shown: Vec<String> = unfit
        .iter()
        .take(MAX_NAMED)
        .map(|id| format!("`{}`", escape_name(id.as_str())))
        .collect();
    if unfit.len() > MAX_NAMED {
        shown.push(format!("and {} more", unfit.len() - MAX_NAMED));
    }
    let message = format!("these ids cannot name a variable: {}", shown.join(", "));
    Err(CommandError::new(Kind::Usage, message)
        .hint("name the variable with --env-secret NAME=ID, or use --format json")
        .into())
}
