//! `meshagent room key rekey`

use clap::Args;

use crate::cli::args::data_dir::DataDirArgs;
use crate::cli::args::new_key::NewKeyArgs;
use crate::cli::context::Context;
use crate::cli::error::Outcome;
use crate::cli::room::LocalKeyRing;

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  A new key in a file, which is made, and started with from then on:
    $ meshagent room key rekey --new-key-file room.key
    $ meshagent room serve --key-file room.key

  A key that a program keeps:
    $ meshagent room key rekey --new-key-command 'pass show room-key'

  Another key in the place where it is by default:
    $ meshagent room key rekey --new-key-in-data-dir";

/// Let another key open the store, also while a server runs
///
/// The store keys are wrapped under the new key, and then the former key does not open the store any more. In between both do: if this
/// is interrupted, the store opens with either, and the same command finishes. Secrets are not sealed anew: if the former key leaked,
/// rotate the store key after this, because whoever had both the key and the database could keep that one.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct RekeyArgs {
    #[command(flatten)]
    new_key: NewKeyArgs,
    #[command(flatten)]
    data_dir: DataDirArgs,
}

pub(super) async fn run(context: &Context, args: RekeyArgs) -> anyhow::Result<Outcome> {
    let new_key = args.new_key.resolve(context)?;
    let ring = LocalKeyRing::open_existing(context, &args.data_dir).await?;
    let is_served = ring.is_served();
    ring.rekey(new_key.source).await?;
    ring.close().await?;
    context
        .ui
        .note("The store opens with the new key only. Keep the former one as long as you keep backups made with it.");
    let next = match (is_served, new_key.flag) {
        (true, Some(flag)) => {
            format!("The running server goes on. From its next start on, it and commands need {flag}.")
        }
        (false, Some(flag)) => format!("From now on, the server and commands need {flag}."),
        (true, None) => {
            "The running server goes on, and its next start needs no flag for the key.".to_owned()
        }
        (false, None) => "The server and commands need no flag for the key.".to_owned(),
    };
    context.ui.note(&next);
    Ok(Outcome::Done)
}
