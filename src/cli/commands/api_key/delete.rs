//! `meshagent api-key delete`

use clap::Args;
use uuid::Uuid;

use crate::cli::args::data_dir::DataDirArgs;
use crate::cli::context::Context;
use crate::cli::error::Outcome;
use crate::cli::room::LocalKeyRing;
use crate::cli::ui::terminal::confirm_deletion;
use crate::server::store::KeyRingChange;

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  A key that leaked; on a terminal you are asked first:
    $ meshagent api-key delete 5b2f6f0e-7f0c-4a58-9f5e-2f6f8d1c0a11";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct DeleteArgs {
    /// Id of the key, as `api-key list` shows it
    #[arg(value_name = "KID")]
    id: Uuid,
    /// Do not ask; needed at a terminal where you cannot be asked, as with --no-input
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    data_dir: DataDirArgs,
}

pub(super) async fn run(context: &Context, args: DeleteArgs) -> anyhow::Result<Outcome> {
    if !args.yes {
        let question = format!(
            "Delete the API key {}? Its tokens and sessions end at once, and it cannot be brought back.",
            args.id
        );
        confirm_deletion(&context.ui, &question).await?;
    }
    let ring = LocalKeyRing::open(context, &args.data_dir).await?;
    let change = ring.change(KeyRingChange::Delete(args.id)).await?;
    // Before the server has applied it: the server knows the key that is the current one now.
    ring.update_client_env().await?;
    ring.applied(change).await?;
    ring.close().await?;
    context.ui.note(&format!("Deleted the API key {}.", args.id));
    Ok(Outcome::Done)
}
