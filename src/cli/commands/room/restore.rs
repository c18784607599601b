//! `meshagent room restore`

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use jiff::Timestamp;
use tokio::task::spawn_blocking;

use crate::cli::args::backup_passphrase::BackupPassphraseArgs;
use crate::cli::args::store_key::{KeyArgs, warn_of};
use crate::cli::context::Context;
use crate::cli::error::{CommandError, Kind, Outcome};
use crate::cli::ui::text::{count, escape};
use crate::fs::directory_of;
use crate::server::backup::{Manifest, Workspace, restore};

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  Make a data directory of a backup, and serve it:
    $ meshagent room restore rooms.backup --data-dir restored
    $ meshagent room serve --data-dir restored

  A backup without the store's key, which is in a file of its own:
    $ meshagent room restore rooms.backup \\
        --data-dir restored --key-file room.key

  Check that every secret in a backup opens:
    $ meshagent room restore rooms.backup --verify";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct RestoreArgs {
    /// The backup, or `-` for stdin
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// New data directory; missing, or empty
    #[arg(long, value_name = "DIR", required_unless_present = "verify")]
    data_dir: Option<PathBuf>,
    /// Only check the backup, if no --data-dir is given; restoring always checks it
    #[arg(long)]
    verify: bool,
    #[command(flatten)]
    passphrase: BackupPassphraseArgs,
    #[command(flatten)]
    key: KeyArgs,
}

pub(super) async fn run(context: &Context, args: RestoreArgs) -> anyhow::Result<Outcome> {
    let ui = &context.ui;
    let from_stdin = args.file == Path::new("-");
    if from_stdin && args.passphrase.uses_stdin() {
        return Err(CommandError::new(
            Kind::Usage,
            "stdin cannot hold both the backup and its passphrase",
        )
        .hint("name a file for one of them")
        .into());
    }
    let key_source = args.key.resolve(context)?;
    let shown = if from_stdin {
        "stdin".to_owned()
    } else {
        escape(&args.file.to_string_lossy())
    };
    let mut input: Box<dyn Read + Send> = if from_stdin {
        Box::new(io::stdin())
    } else {
        Box::new(BufReader::new(
            File::open(&args.file).with_context(|| format!("{shown} cannot be read"))?,
        ))
    };
    // On the file system that the directory is to be on, or where files are kept for a moment.
    let beside = match &args.data_dir {
        Some(target) => {
            refuse_unless_empty(target)?;
            directory_of(target).to_owned()
        }
        None => std::env::temp_dir(),
    };
    let passphrase = args.passphrase.read(context).await?;
    warn_of(&key_source, ui);
    // Removed when this ends, by Ctrl-C too.
    let workspace = Workspace::create_in(&beside)
        .with_context(|| format!("no directory can be made in {}", beside.display()))?;
    let path = workspace.path().to_owned();
    let restored = spawn_blocking(move || restore(&mut input, passphrase.as_ref(), &key_source, &path));
    ui.busy().doing(format!("Reading {shown}"));
    let manifest = ui.while_busy(restored).await??;
    let secrets = count(manifest.secret_count(), "secret");
    let Some(target) = args.data_dir else {
        ui.note(&format!(
            "{shown} is intact: {secrets}, all of which open, {}.",
            origin(&manifest)
        ));
        return Ok(Outcome::Done);
    };
    workspace
        .persist(&target)
        .with_context(|| format!("{} cannot be made", target.display()))?;
    ui.note(&format!(
        "Restored {secrets}, all of which open, to {}; {}.",
        escape(&target.to_string_lossy()),
        origin(&manifest)
    ));
    Ok(Outcome::Done)
}

/// When the backup was made, and by which version.
fn origin(manifest: &Manifest) -> String {
    let made = i64::try_from(manifest.created_at)
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok());
    let at = made.map_or_else(String::new, |at| format!(" at {at}"));
    format!("backed up{at} by meshagent {}", escape(&manifest.program_version))
}

/// Refuses a directory that holds something, before anything is asked for.
fn refuse_unless_empty(target: &Path) -> anyhow::Result<()> {
    let shown = target.display();
    match fs::read_dir(target).map(Iterator::count) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("{shown} cannot be used")),
        Ok(0) => Ok(()),
        Ok(_) => Err(CommandError::new(Kind::Failed, format!("{shown} is not empty"))
            .hint("restore into a new directory with --data-dir, and serve that one")
            .into()),
    }
}
