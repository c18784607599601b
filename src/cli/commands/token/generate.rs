//! `meshagent token generate`

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use serde::Deserialize;

use crate::cli::args::duration::parse_seconds;
use crate::cli::args::input::{Limit, NamedContent, read_file_or_stdin};
use crate::cli::args::output::OutputArgs;
use crate::cli::args::store_key::KeyArgs;
use crate::cli::context::Context;
use crate::cli::error::{CommandError, Kind, Outcome};
use crate::cli::formats::yaml;
use crate::cli::room::local_api_key;
use crate::sensitive::Sensitive;
use crate::token::{ApiKey, ApiScope, ParticipantToken, Role};
use crate::wire::{Identity, RoomName};

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  A token for Bob that lasts half a day, signed with MESHAGENT_API_KEY:
    $ meshagent token generate --identity bob --room demo --expires-in 12h

  The same with the key of the server on this machine:
    $ meshagent token generate --identity bob --room demo --local";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct GenerateArgs {
    /// Whom the token is for
    #[arg(long, value_name = "NAME", required_unless_present = "input")]
    identity: Option<String>,
    /// Room that it opens [env: MESHAGENT_ROOM]
    #[arg(long, short, value_name = "NAME")]
    room: Option<String>,
    /// What kind of participant it is for
    #[arg(long, value_enum, default_value_t, conflicts_with = "input")]
    role: RoleArg,
    /// Let it act for other identities
    #[arg(long, conflicts_with = "input")]
    admin: bool,
    /// Time until it expires, in seconds or like 12h; without it, it does not
    #[arg(long, value_name = "TIME", value_parser = parse_seconds)]
    expires_in: Option<Duration>,
    /// Read identity, room, role and api grant from a YAML file, or from stdin with `-`
    #[arg(long, short, value_name = "SPEC", conflicts_with = "identity")]
    input: Option<PathBuf>,
    /// Write the token to a new file, which only you can read, instead of stdout
    #[arg(long, short, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Replace a file that exists
    #[arg(long, requires = "output")]
    force: bool,
    /// Sign with this API key, which other users of this machine may see here [env: MESHAGENT_API_KEY]
    #[arg(long = "key", value_name = "KEY", conflicts_with_all = ["local", "data_dir"])]
    api_key: Option<Sensitive<String>>,
    /// Project of the token, which must be that of the key
    #[arg(long, value_name = "ID")]
    project_id: Option<String>,
    /// Sign with the key of the room server on this machine [env: MESHAGENT_LOCAL=1]
    #[arg(long)]
    local: bool,
    /// Data directory of that server [env: MESHAGENT_DATA_DIR]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    key: KeyArgs,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum RoleArg {
    #[default]
    User,
    Agent,
    Tool,
}

impl From<RoleArg> for Role {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::User => Self::User,
            RoleArg::Agent => Self::Agent,
            RoleArg::Tool => Self::Tool,
        }
    }
}

#[cfg(test)]
#[path = "../../../../tests/fuzz/token_spec.rs"]
mod fuzz;

/// How a specification begins.
const SPEC_HINT: &str = "it starts with `version: v1` and `kind: ParticipantToken`";

/// The Python CLI's token specification.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    version: String,
    kind: String,
    identity: String,
    room: Option<String>,
    role: Option<Role>,
    api: Option<ApiScope>,
}

/// What is wrong with a specification, and on which line.
#[derive(Debug)]
struct Fault {
    line: usize,
    what: String,
}

impl Fault {
    fn error(&self, shown: &str) -> CommandError {
        let Self { line, what } = self;
        CommandError::new(Kind::Usage, format!("{shown}, line {line}: {what}")).hint(SPEC_HINT)
    }
}

impl Spec {
    fn parse(yaml: &[u8]) -> Result<Self, Fault> {
        let yaml = str::from_utf8(yaml).map_err(|error| {
            let read = yaml.get(..error.valid_up_to()).unwrap_or_default();
            Fault {
                line: read.split(|byte| *byte == b'\n').count(),
                what: "this is no UTF-8".to_owned(),
            }
        })?;
        let json = yaml::to_json(yaml).map_err(|error| Fault {
            line: error.line,
            what: error.to_string(),
        })?;
        serde_json::from_str(&json).map_err(|error| {
            // The library adds the place.
            let said = error.to_string();
            let what = said
                .rsplit_once(" at line ")
                .map_or(said.as_str(), |(what, _)| what);
            Fault {
                line: error.line(),
                what: what.to_owned(),
            }
        })
    }
}

pub(super) async fn run(context: &Context, args: GenerateArgs) -> anyhow::Result<Outcome> {
    let spec = match &args.input {
        Some(path) => Some(read_spec(path).await?),
        None => None,
    };
    let mut token = describe(context, &args, spec)?;
    if let Some(time) = args.expires_in {
        let expires = SystemTime::now()
            .checked_add(time)
            .context("that is too far away")?;
        token.expires_at = Some(expires.duration_since(UNIX_EPOCH)?.as_secs());
    }
    let key = api_key(context, &args).await?;
    check_project(&args, &key)?;
    let output = args
        .output
        .map(|path| OutputArgs::private_file(path, args.force).prepare());
    let output = output.transpose()?;
    let signed = token.sign(&key)?;
    match output {
        Some(file) => {
            let line = format!("{}\n", signed.expose()).into_bytes();
            file.write(&context.ui, line.into()).await?;
        }
        None => context.ui.answer_line(signed.expose()).await?,
    }
    if token.expires_at.is_none() {
        context
            .ui
            .note("note: this token never expires; --expires-in gives it an end, as in --expires-in 12h");
    }
    Ok(Outcome::Done)
}

/// A key signs for its own project alone.
fn check_project(args: &GenerateArgs, key: &ApiKey) -> anyhow::Result<()> {
    let of_key = key.project_id().to_string();
    match &args.project_id {
        Some(project) if !project.eq_ignore_ascii_case(&of_key) => Err(CommandError::new(
            Kind::Usage,
            format!("the API key is for another project, {of_key}"),
        )
        .hint("leave out --project-id, or take a key of that project")
        .into()),
        _ => Ok(()),
    }
}

fn describe(context: &Context, args: &GenerateArgs, spec: Option<Spec>) -> anyhow::Result<ParticipantToken> {
    let spec = spec.unwrap_or_else(|| Spec {
        version: String::new(),
        kind: String::new(),
        identity: args.identity.clone().unwrap_or_default(),
        room: None,
        role: Some(args.role.into()),
        api: Some(if args.admin {
            ApiScope::administrator()
        } else {
            ApiScope::participant()
        }),
    });
    let from_environment = || anyhow::Ok(context.environment.text("MESHAGENT_ROOM")?.map(str::to_owned));
    let room = match args.room.clone().or(spec.room) {
        Some(room) => Some(room),
        None => from_environment()?,
    };
    let room = room.ok_or_else(|| {
        CommandError::new(Kind::Usage, "no room was given")
            .hint("name the room: --room NAME or MESHAGENT_ROOM")
    })?;
    let identity = Identity::create(spec.identity).context("the identity is not usable")?;
    let room = RoomName::create(room).context("the room's name is not usable")?;
    let mut token = ParticipantToken::new(identity, room, ApiScope::participant());
    if let Some(secrets) = spec.api.as_ref().and_then(|api| api.secrets.as_ref()) {
        secrets.check().map_err(|error| {
            CommandError::new(Kind::Usage, error.to_string())
                .hint("a `*` stands for the rest of a path, as in https://host.example/*")
        })?;
    }
    token.api = spec.api;
    token.role = spec.role.unwrap_or_default();
    Ok(token)
}

async fn read_spec(path: &Path) -> anyhow::Result<Spec> {
    let NamedContent {
        content: text,
        name: shown,
    } = read_file_or_stdin(path, Limit::Value).await?;
    let spec = Spec::parse(text.expose()).map_err(|fault| fault.error(&shown))?;
    if (spec.version.as_str(), spec.kind.as_str()) != ("v1", "ParticipantToken") {
        return Err(
            CommandError::new(Kind::Usage, format!("{shown} is not a participant token"))
                .hint(SPEC_HINT)
                .into(),
        );
    }
    Ok(spec)
}

/// The key to sign with: the one given, that of the server on this machine where that is meant, else
/// `MESHAGENT_API_KEY`.
async fn api_key(context: &Context, args: &GenerateArgs) -> anyhow::Result<ApiKey> {
    let environment = &context.environment;
    if let Some(key) = &args.api_key {
        return Ok(ApiKey::parse(key.expose())?);
    }
    if args.local || args.data_dir.is_some() || environment.switch("MESHAGENT_LOCAL")? {
        let path = match &args.data_dir {
            Some(path) => path.clone(),
            None => environment.data_dir()?,
        };
        let key_source = args.key.resolve(context)?;
        return local_api_key(path, key_source, &context.ui).await;
    }
    let text = environment.text("MESHAGENT_API_KEY")?.ok_or_else(|| {
        CommandError::new(Kind::NotPermitted, "there is no API key to sign with")
            .hint("set MESHAGENT_API_KEY, or use the key of this machine's server with --local")
    })?;
    Ok(ApiKey::parse(text)?)
}
