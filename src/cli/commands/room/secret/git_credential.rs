//! `meshagent room secret git-credential`

use std::io::{self, IsTerminal};

use clap::Args;

use super::{DelegateArgs, ids, parse_id};
use crate::cli::args::RoomArgs;
use crate::cli::context::Context;
use crate::cli::failure::{CommandError, Kind, Outcome};
use crate::cli::git::{Credential, Description, SECRET_TYPE};
use crate::cli::input::{Limit, read_stdin};
use crate::cli::room::{JoinedRoom, in_room};
use crate::cli::text::escape;
use crate::secrets::SetOptions;
use crate::wire::{ErrorCode, Identity, SecretId};

/// Shown at the end of `--help`.
const EXAMPLES: &str = r#"Examples:
  Have git ask the room demo, by these lines in ~/.gitconfig:
    [credential]
        helper = "!meshagent room secret git-credential --room demo"

  Use a secret of yours for one server:
    [credential "https://git.example.com"]
        helper = "!meshagent room secret git-credential --room demo --id work/git"

  See what git would be told:
    $ printf 'protocol=https\nhost=git.example.com\n' | meshagent room secret git-credential get"#;

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct GitCredentialArgs {
    /// What git wants: get, store or erase; anything else is ignored
    #[arg(value_name = "OPERATION")]
    operation: String,
    /// Use this secret, whatever server git asks for: set it in git's configuration for one server only
    #[arg(long, value_name = "ID", value_parser = parse_id, add = ids())]
    id: Option<SecretId>,
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
    let ids = match &args.id {
        Some(id) => vec![id.clone()],
        None => description.ids()?,
    };
    let stored = Stored {
        ids,
        delegated_to: args.delegate.identity(),
    };
    let answer = in_room(context, &args.room, async |room| {
        match operation {
            Operation::Get => {
                let found = stored.find(context, room, &description).await?;
                return Ok(found.map(|(_, credential)| credential.answer()));
            }
            Operation::Store => stored.store(room, description).await?,
            Operation::Erase => {
                if let Some((id, _)) = stored.find(context, room, &description).await? {
                    match room.secrets().delete_secret(&id, stored.delegated_to).await {
                        // It is another's, who delegated it: theirs to delete.
                        Err(error) if error.code() == Some(ErrorCode::NotFound) => {}
                        outcome => outcome?,
                    }
                }
            }
        }
        Ok(None)
    })
    .await?;
    if let Some(answer) = answer {
        context.ui.answer(answer).await?;
    }
    Ok(Outcome::Done)
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

/// Where a credential is stored, if it is: under the first of these ids whose credential is the one that git
/// means.
struct Stored<'a> {
    ids: Vec<SecretId>,
    delegated_to: Option<&'a Identity>,
}

impl Stored<'_> {
    /// The credential that git means. None is no error: git asks the next helper, then the user.
    async fn find(
        &self,
        context: &Context,
        room: &JoinedRoom,
        description: &Description,
    ) -> anyhow::Result<Option<(SecretId, Credential)>> {
        for id in &self.ids {
            let Some(secret) = room.secrets().get_secret(id, self.delegated_to).await? else {
                continue;
            };
            match Credential::from_value(&secret.value) {
                Some(credential) if description.fits(&credential) => {
                    return Ok(Some((id.clone(), credential)));
                }
                Some(_) => {}
                None => context.ui.warn(&format!(
                    "the secret `{}` is no credential for git: it is not JSON with `username` and `password`",
                    escape(id.as_str())
                )),
            }
        }
        Ok(None)
    }

    /// Stores what git got in with. Another user's credential for the same server is not replaced.
    async fn store(&self, room: &JoinedRoom, description: Description) -> anyhow::Result<()> {
        let Some(credential) = description.credential() else {
            return Ok(());
        };
        let value = credential.to_value()?;
        let mut target = None;
        // From the general id to the one with the user's name.
        for id in self.ids.iter().rev() {
            target = Some(id);
            let there = room.secrets().get_secret(id, self.delegated_to).await?;
            match there.map(|secret| Credential::from_value(&secret.value)) {
                Some(Some(there)) if there.username != credential.username => {}
                Some(Some(there)) if there.to_value()?.expose() == value.expose() => return Ok(()),
                _ => break,
            }
        }
        let options = SetOptions {
            secret_type: Some(SECRET_TYPE.to_owned()),
            delegated_to: self.delegated_to.cloned(),
            ..SetOptions::default()
        };
        if let Some(id) = target {
            room.secrets().set_secret(id, value, options).await?;
        }
        Ok(())
    }
}
