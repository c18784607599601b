//! `meshagent room audit verify`

use clap::Args;

use crate::cli::args::data_dir::DataDirArgs;
use crate::cli::context::Context;
use crate::cli::error::{CommandError, Kind, Outcome};
use crate::cli::room::LocalStore;
use crate::cli::ui::text::count;
use crate::server::store::{Anchor, Verification};

/// Most findings that are shown.
const MAX_SHOWN: usize = 20;

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  Check the log, also while the server runs, and keep what it prints elsewhere:
    $ meshagent room audit verify >> anchors.txt

  Check that nothing was cut off since then:
    $ meshagent room audit verify --anchor \"$(tail -n 1 anchors.txt)\"";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct VerifyArgs {
    /// An entry that the log must have, as the server's log or an earlier `verify` says it
    #[arg(long = "anchor", value_name = "SEQ:MAC", value_parser = parse_anchor)]
    anchors: Vec<Anchor>,
    #[command(flatten)]
    data_dir: DataDirArgs,
}

fn parse_anchor(text: &str) -> Result<Anchor, String> {
    Anchor::parse(text).ok_or_else(|| "give the number of an entry, a colon and 64 hex digits".to_owned())
}

pub(super) async fn run(context: &Context, args: VerifyArgs) -> anyhow::Result<Outcome> {
    let store = LocalStore::open_existing(context, &args.data_dir).await?;
    let ui = &context.ui;
    ui.busy().doing("Verifying the audit log".to_owned());
    let verified = ui.while_busy(store.verify_audit(args.anchors)).await?;
    store.close().await?;
    let Verification {
        entries,
        pruned_to,
        anchor,
        findings,
        unchecked_anchors,
    } = verified;
    for seq in unchecked_anchors {
        ui.note(&format!(
            "The anchor of entry {seq} cannot be checked: the entry was pruned."
        ));
    }
    if !findings.is_empty() {
        let mut shown: Vec<String> = findings.iter().take(MAX_SHOWN).map(ToString::to_string).collect();
        if findings.len() > MAX_SHOWN {
            shown.push("and more".to_owned());
        }
        let error = CommandError::new(
            Kind::Failed,
            format!("the audit log is not what was written: {}", shown.join("; ")),
        );
        return Err(error
            .hint("keep a copy of the data directory, and find out who could write to it")
            .into());
    }
    let entries = count(usize::try_from(entries).unwrap_or(usize::MAX), "entry");
    let pruned = if pruned_to == 0 {
        String::new()
    } else {
        format!("; those up to {pruned_to} were pruned")
    };
    ui.note(&format!("The audit log is intact: {entries}{pruned}."));
    if let Some(anchor) = anchor {
        ui.answer_line(&anchor.to_string()).await?;
    }
    Ok(Outcome::Done)
}
