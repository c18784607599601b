//! `meshagent room secret git-credential`

pub(in crate::cli) mod from_participant;
pub(in crate::cli) mod from_room;

use std::io::{self, IsTerminal};

use clap::Args;
use clap::builder::ArgPredicate;

use self::from_room::Stored;
use super::parse_id;
use super::sources::DelegateArgs;
use crate::cli::args::input::{Limit, read_stdin};
use crate::cli::args::room::RoomArgs;
use crate::cli::context::Context;
use crate::cli::error::{CommandError, Kind, Outcome};
use crate::cli::formats::git_credential::Description;
use crate::cli::room::participant::FromArgs;
use crate::cli::room::{Target, in_room};
use crate::sensitive::SecretValue;
use crate::wire::SecretId;

/// Shown at the end of `--help`.
const EXAMPLES: &str = r#"Examples:
  Have git ask the room demo, by these lines in ~/.gitconfig:
    [credential]
        helper = "!meshagent room secret git-credential --room demo"

  Use a secret of yours for one server:
    [credential "https://git.example.com"]
        helper = "!meshagent room secret git-credential --id work/git"

  Have git ask whoever is called ada, who says yes or no:
    [credential]
        helper = "!meshagent room secret git-credential --room demo --from ada"

  See what git would be told:
    $ printf 'protocol=https\nhost=git.example.com\n' \
        | meshagent room secret git-credential get"#;

/// Flags that say which of the room's secrets is the credential.
const OF_THE_ROOM: [&str; 3] = ["id", "delegated_to", "delegated_by"];

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
#[command(mut_group("FromArgs", |from| from.required(false)))]
#[command(mut_arg("from", |from| from.conflicts_with_all(OF_THE_ROOM)))]
#[command(mut_arg("from_participant_id", |from| from.conflicts_with_all(OF_THE_ROOM)))]
#[command(mut_arg("timeout", |timeout| {
    timeout
        .default_value_ifs([
            ("from", ArgPredicate::IsPresent, Some("300")),
            ("from_participant_id", ArgPredicate::IsPresent, Some("300")),
        ])
        .help("Time for the whole command, in seconds; with --from for the participant to answer, 300 by default")
}))]
pub(in crate::cli) struct GitCredentialArgs {
    /// What git wants: get, store or erase; anything else is ignored
    #[arg(value_name = "OPERATION")]
    operation: String,
    /// Use this secret, whatever server git asks for: set it in git's configuration for one server only
    #[arg(long, value_name = "ID", value_parser = parse_id, allow_hyphen_values = true)]
    id: Option<SecretId>,
    #[command(flatten)]
    from: Option<FromArgs>,
    #[command(flatten)]
    delegate: DelegateArgs,
    #[command(flatten)]
    room: RoomArgs,
}

pub(super) async fn run(context: &Context, args: GitCredentialArgs) -> anyhow::Result<Outcome> {
    // Operations that git may come to know are none of ours; git wants them ignored.
    let Some(operation) = Operation::parse(&args.operation) else {
        return Ok(Outcome::Done);
    };
    if io::stdin().is_terminal() {
        return Err(CommandError::new(Kind::Usage, "stdin is a terminal")
            .hint("git calls this command itself: see `git help credentials`")
            .into());
    }
    let description = Description::parse(&read_stdin(Limit::File).await?)?;
    let answer = match &args.from {
        Some(from) => of_participant(context, &args.room, from, operation, &description).await?,
        None => of_room(context, args, operation, description).await?,
    };
    if let Some(answer) = answer {
        context.ui.answer(answer).await?;
    }
    Ok(Outcome::Done)
}

/// Works with credentials that are stored in the room; what git is answered.
async fn of_room(
    context: &Context,
    args: GitCredentialArgs,
    operation: Operation,
    description: Description,
) -> anyhow::Result<Option<SecretValue>> {
    let ids = match args.id {
        Some(id) => vec![id],
        None => description.ids()?,
    };
    let stored = Stored {
        ids,
        sources: args.delegate.resolve(context)?,
    };
    in_room(context, Target::resolve(context, &args.room)?, async |room| {
        match operation {
            Operation::Get => return stored.get(context, room, &description).await,
            Operation::Store => stored.store(context, room, description).await?,
            Operation::Erase => stored.erase(context, room, &description).await?,
        }
        Ok(None)
    })
    .await
}

/// Works with credentials that a participant gives; what git is answered.
async fn of_participant(
    context: &Context,
    args: &RoomArgs,
    from: &FromArgs,
    operation: Operation,
    description: &Description,
) -> anyhow::Result<Option<SecretValue>> {
    match operation {
        Operation::Get => return from_participant::get(context, args, from, description).await,
        // The server keeps the answer.
        Operation::Store => {}
        Operation::Erase => from_participant::erase(context, args, description).await?,
    }
    Ok(None)
}

#[derive(Debug, Clone, Copy)]
enum Operation {
    Get,
    Store,
    Erase,
}

impl Operation {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "get" => Some(Self::Get),
            "store" => Some(Self::Store),
            "erase" => Some(Self::Erase),
            _ => None,
        }
    }
}
