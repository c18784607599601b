//! `meshagent room secret run`

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};

use super::read_many::fetch;
use super::sources::{DelegateArgs, refuse_obeyed};
use crate::cli::args::env_secret::{EnvSecret, referenced_id};
use crate::cli::args::input::{Limit, NamedContent, read_file_or_stdin};
use crate::cli::args::room::RoomArgs;
use crate::cli::context::Context;
use crate::cli::error::{CommandError, Kind, Outcome};
use crate::cli::formats::dotenv::{self, Names};
use crate::cli::process::launch::{Variables, launch};
use crate::cli::room::{Target, in_room};
use crate::cli::ui::text::escape_name;
use crate::secrets::Secret;
use crate::sensitive::SensitiveText;
use crate::wire::SecretId;

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  Run a program with a password in its environment:
    $ meshagent room secret run --env-secret PGPASSWORD=db/password -- psql

  Name the variables in a file, with lines like PGPASSWORD=secret://db/password:
    $ meshagent room secret run --env-file app.env -- ./app";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
#[command(group = ArgGroup::new("variables").args(["env_secret", "env_file"]).required(true).multiple(true))]
pub(in crate::cli) struct RunArgs {
    /// Give the command a variable with the value of a secret; repeat it for more
    #[arg(long, value_name = "NAME=ID")]
    env_secret: Vec<EnvSecret>,
    /// Give the command the variables of a file, or of stdin with `-`; a value secret://ID stands for that secret
    #[arg(long, value_name = "FILE")]
    env_file: Vec<PathBuf>,
    /// Give the command nothing but these variables, not even PATH
    #[arg(long)]
    no_inherit_env: bool,
    #[command(flatten)]
    delegate: DelegateArgs,
    /// The command and its arguments
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true)]
    command: Vec<OsString>,
    #[command(flatten)]
    room: RoomArgs,
}

/// What a variable is to hold.
#[derive(Debug)]
enum Source {
    Text(SensitiveText),
    Secret(SecretId),
}

pub(super) async fn run(context: &Context, args: RunArgs) -> anyhow::Result<Outcome> {
    let sources = sources(&args).await?;
    let ids: BTreeSet<SecretId> = sources.values().filter_map(Source::id).cloned().collect();
    let secrets = if ids.is_empty() {
        BTreeMap::new()
    } else {
        let owners = args.delegate.resolve(context)?;
        in_room(context, Target::resolve(context, &args.room)?, async |room| {
            fetch(room, ids, &owners).await
        })
        .await?
    };
    let inheritable = context.environment.inheritable();
    let path = inheritable.get(OsStr::new("PATH")).cloned();
    let mut variables = if args.no_inherit_env {
        Variables::new()
    } else {
        inheritable
    };
    for (name, source) in sources {
        let value = match source {
            Source::Text(text) => OsString::from(text.into_exposed()),
            Source::Secret(id) => value_of(&name, &id, &secrets)?,
        };
        variables.insert(name.into(), value);
    }
    launch(&args.command, &variables, path.as_deref())
}

impl Source {
    const fn id(&self) -> Option<&SecretId> {
        match self {
            Self::Text(_) => None,
            Self::Secret(id) => Some(id),
        }
    }
}

/// What each variable is to hold: a later file goes before an earlier one, a flag before all files.
async fn sources(args: &RunArgs) -> anyhow::Result<BTreeMap<String, Source>> {
    let mut sources = BTreeMap::new();
    for path in &args.env_file {
        sources.extend(read_env_file(path).await?);
    }
    let mut named = BTreeSet::new();
    for EnvSecret { name, id } in &args.env_secret {
        if !named.insert(name) {
            return Err(
                CommandError::new(Kind::Usage, format!("--env-secret names {name} twice"))
                    .hint("a variable has one value")
                    .into(),
            );
        }
        sources.insert(name.clone(), Source::Secret(id.clone()));
    }
    Ok(sources)
}

async fn read_env_file(path: &Path) -> anyhow::Result<Vec<(String, Source)>> {
    let NamedContent {
        content: file,
        name: shown,
    } = read_file_or_stdin(path, Limit::File).await?;
    let refuse =
        |why: String, hint: &str| CommandError::new(Kind::Failed, format!("{shown}: {why}")).hint(hint);
    let assignments = dotenv::parse(file.expose(), Names::Variables).map_err(|error| {
        refuse(
            error.to_string(),
            "a line is NAME=VALUE; the value may be in quotes",
        )
    })?;
    assignments
        .into_iter()
        .map(|assignment| {
            let source = match referenced_id(assignment.value.expose()) {
                Some(id) => Source::Secret(SecretId::new(id).map_err(|error| {
                    let why = format!("line {}: this is no id of a secret: {error}", assignment.line);
                    refuse(why, "a secret is named by secret://ID")
                })?),
                None if assignment.value.expose().contains('\0') => {
                    let why = format!(
                        "line {}: the value of {} has a NUL byte",
                        assignment.line, assignment.name
                    );
                    return Err(refuse(why, "no environment variable can hold one").into());
                }
                None => Source::Text(assignment.value),
            };
            Ok((assignment.name, source))
        })
        .collect()
}

/// A secret's value as a variable can hold it.
fn value_of(name: &str, id: &SecretId, secrets: &BTreeMap<SecretId, Secret>) -> anyhow::Result<OsString> {
    let refuse = |why: &str| {
        let message = format!(
            "{name} cannot hold the secret `{}`: {why}",
            escape_name(id.as_str())
        );
        CommandError::new(Kind::Failed, message).hint("write it to a file with `get --out PATH`")
    };
    // Each id was asked for, and a missing one is an error of its own.
    let secret = secrets.get(id).ok_or_else(|| refuse("it was not read"))?;
    refuse_obeyed(name, id, secret)?;
    let bytes = secret.value.expose();
    if bytes.contains(&0) {
        return Err(refuse("it has a NUL byte").into());
    }
    Ok(os_string(bytes).ok_or_else(|| refuse("it is not text"))?)
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere a variable holds text alone")]
fn os_string(bytes: &[u8]) -> Option<OsString> {
    use std::os::unix::ffi::OsStringExt;
    Some(OsString::from_vec(bytes.to_vec()))
}

#[cfg(not(unix))]
fn os_string(bytes: &[u8]) -> Option<OsString> {
    std::str::from_utf8(bytes).ok().map(OsString::from)
}
