//! `meshagent room key rotate`

use clap::Args;

use crate::cli::args::data_dir::DataDirArgs;
use crate::cli::context::Context;
use crate::cli::error::{CommandError, Kind, Outcome};
use crate::cli::room::LocalKeyRing;
use crate::cli::ui::text::count;

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  A new store key, while the server runs or not:
    $ meshagent room key rotate

  Finish a rotation that was interrupted, which is the same:
    $ meshagent room key rotate";

/// Make a new store key and seal every secret anew with it, also while a server runs
///
/// The new key seals everything that is stored from then on. Rows that are stored already are sealed anew in batches, between which
/// the server works; when none is left with the former key, that key is removed. If this is interrupted, every secret can be read, and
/// the next rotation goes on. The key that opens the store stays the same: `rekey` changes that one.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct RotateArgs {
    #[command(flatten)]
    data_dir: DataDirArgs,
}

pub(super) async fn run(context: &Context, args: RotateArgs) -> anyhow::Result<Outcome> {
    let ui = &context.ui;
    let ring = LocalKeyRing::open_existing(context, &args.data_dir).await?;
    ui.busy().doing("Sealing the secrets anew".to_owned());
    let rotated = ui.while_busy(ring.rotate()).await?;
    ring.close().await?;
    let rows = count(rotated.resealed, "row");
    if rotated.damaged > 0 {
        let message = format!(
            "sealed {rows} anew with store key {}, and left {}, which is not what was written",
            rotated.key,
            count(rotated.damaged, "damaged row"),
        );
        return Err(CommandError::new(Kind::Failed, message)
            .hint("set the damaged secrets again or delete them, and rotate again: until then their former key stays")
            .into());
    }
    let finished = if rotated.was_resumed {
        "Finished the rotation that was interrupted: sealed"
    } else {
        "Sealed"
    };
    ui.note(&format!(
        "{finished} {rows} anew with store key {}; no other key is left.",
        rotated.key
    ));
    Ok(Outcome::Done)
}
