//! `meshagent room secret export`

use std::collections::BTreeMap;

use clap::Args;

use super::parse_id;
use super::read_many::{SecretToRead, fetch, fetch_each};
use super::sources::{DelegateArgs, Sources, refuse_obeyed};
use crate::cli::args::env_secret::EnvSecret;
use crate::cli::args::output::OutputArgs;
use crate::cli::args::room::RoomArgs;
use crate::cli::context::Context;
use crate::cli::error::{CommandError, Kind, Outcome};
use crate::cli::formats::dotenv::is_variable_name;
use crate::cli::formats::{Format, Record, write_json, write_variable};
use crate::cli::process::obeyed;
use crate::cli::room::{JoinedRoom, Target, in_room};
use crate::cli::ui::text::escape_name;
use crate::secrets::Secret;
use crate::sensitive::SecretValue;
use crate::wire::secrets::SecretInfo;
use crate::wire::{Identity, SecretId};

/// Most ids that an error names.
const MAX_NAMED: usize = 5;

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  Write a file that `source` and `import` read:
    $ meshagent room secret export API_KEY \\
        --env-secret PGPASSWORD=db/password --out app.env

  Give secrets to a container:
    $ meshagent room secret export API_KEY --format docker --out app.env
    $ docker run --env-file app.env my-image

  Keep a copy of all that you own:
    $ meshagent room secret export --format json --out secrets.json";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct ExportArgs {
    /// Ids of the secrets; none of them means all of yours, and of those whom --delegated-by names
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
    let sources = args.delegate.clone().resolve(context)?;
    let file = in_room(context, Target::resolve(context, &args.room)?, async |room| {
        let file = match what {
            What::Records if args.exports_all() => write_json(&all_records(context, room, &sources).await?)?,
            What::Records => write_json(&records(room, &args.ids, &sources).await?)?,
            What::Variables(format, _) if args.exports_all() => {
                all_variables(context, room, &sources, format).await?
            }
            What::Variables(format, names) => variables(room, &sources, format, &names).await?,
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

/// The variables that are asked for.
async fn variables(
    room: &JoinedRoom,
    sources: &Sources,
    format: Format,
    names: &BTreeMap<String, SecretId>,
) -> anyhow::Result<SecretValue> {
    let found = fetch(room, names.values().cloned().collect(), sources).await?;
    let mut file = SecretValue::default();
    for (name, id) in names {
        if let Some(secret) = found.get(id) {
            refuse_obeyed(name, id, secret)?;
            write_variable(format, &mut file, (name, id), &secret.value)?;
        }
    }
    Ok(file)
}

/// The variables of all secrets whose ids can name one. What another delegated and no variable can be is left out,
/// with a word; nothing of another's makes the rest fail.
async fn all_variables(
    context: &Context,
    room: &JoinedRoom,
    sources: &Sources,
    format: Format,
) -> anyhow::Result<SecretValue> {
    let mut left_out = Vec::new();
    let mut leave_out = |id: &SecretId, why: String| {
        left_out.push(format!("`{}` ({why})", escape_name(id.as_str())));
    };
    let (mut wanted, mut unfit) = (BTreeMap::new(), Vec::new());
    for listed in all_of(context, room, sources).await? {
        let Listed { id, owner, .. } = &listed;
        if owner.is_none() && listed.sources.delegated_to != sources.delegated_to {
            // What was delegated to others is for them.
            continue;
        }
        if !is_variable_name(id.as_str()) {
            match owner {
                None => unfit.push(id.clone()),
                Some(owner) => leave_out(
                    id,
                    format!("of {}: its id cannot name a variable", escape_name(owner)),
                ),
            }
        } else if let (Some(owner), Some(effect)) = (owner, obeyed(id.as_str())) {
            leave_out(id, format!("of {}: {effect}", escape_name(owner)));
        } else {
            // One's own is listed first.
            wanted.entry(id.clone()).or_insert(listed);
        }
    }
    refuse_unfit(&unfit)?;
    let wanted = wanted.into_values().map(Listed::into_wanted);
    let mut file = SecretValue::default();
    for (SecretToRead { id, .. }, secret) in fetch_each(room, wanted).await? {
        // One that was deleted meanwhile is not there to export.
        let Some(secret) = secret else { continue };
        let written = write_variable(format, &mut file, (id.as_str(), &id), &secret.value);
        match (written, &secret.owner) {
            (Ok(()), _) => {}
            (Err(error), None) => return Err(error.into()),
            (Err(error), Some(_)) => leave_out(&id, error.to_string()),
        }
    }
    if !left_out.is_empty() {
        context.ui.note(&format!(
            "Left out: {}. --env-secret NAME=ID exports a secret under another name, --format json all of them.",
            named(left_out.into_iter())
        ));
    }
    Ok(file)
}

/// The secrets of these ids, whole.
async fn records(room: &JoinedRoom, ids: &[SecretId], sources: &Sources) -> anyhow::Result<Vec<Record>> {
    let found = fetch(room, ids.iter().cloned().collect(), sources).await?;
    let me = room.own_name();
    let to = |secret: &Secret| {
        let to = sources.delegated_to.clone().filter(|_| secret.owner.is_none());
        to.filter(|delegate| Some(delegate.as_str()) != me)
    };
    Ok(found
        .into_iter()
        .map(|(id, secret)| record(id, to(&secret), secret))
        .collect())
}

/// All secrets, whole.
async fn all_records(context: &Context, room: &JoinedRoom, sources: &Sources) -> anyhow::Result<Vec<Record>> {
    let me = room.own_name();
    let mut wanted = BTreeMap::new();
    for listed in all_of(context, room, sources).await? {
        // What was delegated to me is mine once I import it, and there is one of each.
        let own = listed.owner.is_none();
        let to = listed.sources.delegated_to.clone().filter(|_| own);
        let to = to.filter(|delegate| Some(delegate.as_str()) != me);
        wanted.entry((listed.id.clone(), to)).or_insert(listed);
    }
    let (keys, wanted): (Vec<_>, Vec<_>) = wanted.into_iter().unzip();
    let found = fetch_each(room, wanted.into_iter().map(Listed::into_wanted)).await?;
    let records = keys.into_iter().zip(found).filter_map(|((id, to), (_, secret))| {
        // One that was deleted meanwhile is not there to export.
        secret.map(|secret| record(id, to, secret))
    });
    Ok(records.collect())
}

fn record(id: SecretId, delegated_to: Option<Identity>, secret: Secret) -> Record {
    Record {
        id,
        secret_type: Some(secret.secret_type),
        name: Some(secret.name),
        delegated_to,
        value: secret.value,
    }
}

/// A secret of a list.
#[derive(Debug)]
struct Listed {
    id: SecretId,
    /// Who delegated it; none for one's own.
    owner: Option<String>,
    /// How it is read.
    sources: Sources,
}

impl Listed {
    fn into_wanted(self) -> SecretToRead {
        SecretToRead {
            id: self.id,
            sources: self.sources,
        }
    }
}

/// All own secrets, or those that are delegated to whom the flag names; then what the named owners delegated, in
/// their order.
async fn all_of(context: &Context, room: &JoinedRoom, sources: &Sources) -> anyhow::Result<Vec<Listed>> {
    let me = room.own_name();
    let list = room.secrets().list_secrets().await?;
    let to_me = |info: &SecretInfo| info.delegated_to.as_deref().is_some_and(|to| Some(to) == me);
    // A server that does not say whose a secret is does not say its version either.
    let is_own = |info: &SecretInfo| info.owner.is_none() && (!to_me(info) || info.version.is_some());
    let mut all = Vec::new();
    for info in list.iter().filter(|info| is_own(info)) {
        let delegated_to = info.delegated_to.clone().map(Identity::new).transpose()?;
        if sources.delegated_to.is_none() || sources.delegated_to == delegated_to {
            all.push(Listed {
                id: SecretId::new(info.id.clone())?,
                owner: None,
                sources: Sources {
                    delegated_to,
                    delegated_by: Vec::new(),
                },
            });
        }
    }
    for owner in &sources.delegated_by {
        let theirs = |info: &&SecretInfo| info.owner.as_deref() == Some(owner.as_str());
        for info in list.iter().filter(theirs) {
            all.push(Listed {
                id: SecretId::new(info.id.clone())?,
                owner: info.owner.clone(),
                sources: Sources {
                    delegated_to: info.delegated_to.clone().map(Identity::new).transpose()?,
                    delegated_by: vec![owner.clone()],
                },
            });
        }
    }
    if sources.delegated_by.is_empty() && sources.delegated_to.as_ref().map(Identity::as_str) == me {
        let others = list.iter().filter(|info| to_me(info) && !is_own(info)).count();
        if others > 0 {
            context.ui.note(&format!(
                "{others} secrets that others delegated to you are left out: name whose you want with --delegated-by."
            ));
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
    refuse_unfit(&unfit)?;
    Ok(fit.into_iter().map(|id| (id.to_string(), id)).collect())
}

/// Refuses ids that cannot name a variable, if there are any.
fn refuse_unfit(ids: &[SecretId]) -> Result<(), CommandError> {
    if ids.is_empty() {
        return Ok(());
    }
    let ids = ids.iter().map(|id| format!("`{}`", escape_name(id.as_str())));
    let message = format!("these ids cannot name a variable: {}", named(ids));
    Err(CommandError::new(Kind::Usage, message)
        .hint("name the variable with --env-secret NAME=ID, or use --format json"))
}

/// The first of these, and how many more there are.
fn named(items: impl Iterator<Item = String>) -> String {
    let mut items: Vec<String> = items.collect();
    let more = items.len().saturating_sub(MAX_NAMED);
    items.truncate(MAX_NAMED);
    if more > 0 {
        items.push(format!("and {more} more"));
    }
    items.join(", ")
}
