//! `meshagent room backup`

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use crate::cli::args::backup_passphrase::BackupPassphraseArgs;
use crate::cli::args::output::OutputArgs;
use crate::cli::args::store_key::KeyArgs;
use crate::cli::context::Context;
use crate::cli::error::{CommandError, Kind, Outcome};
use crate::cli::ui::text::{count, escape};
use crate::server::backup::{BackupError, BackupOptions, Workspace, back_up};

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  Back up the store, also while a server runs; the passphrase is asked for:
    $ meshagent room backup rooms.backup

  With the store's key, every night, with a passphrase from a file:
    $ meshagent room backup --include-key --force \\
        --passphrase-file ~/backup.pass /mnt/rooms.backup

  Have another program encrypt it:
    $ meshagent room backup --no-encryption - | age -r age1… >rooms.backup.age";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct BackupArgs {
    /// File to write, or `-` for stdout
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Where the secrets are kept [env: MESHAGENT_DATA_DIR]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Replace a file that exists
    #[arg(long)]
    force: bool,
    /// Put the store's key into the backup too: the passphrase alone then opens every secret
    #[arg(long, conflicts_with = "no_encryption")]
    include_key: bool,
    #[command(flatten)]
    passphrase: BackupPassphraseArgs,
    #[command(flatten)]
    key: KeyArgs,
}

pub(super) async fn run(context: &Context, args: BackupArgs) -> anyhow::Result<Outcome> {
    let ui = &context.ui;
    let to_stdout = args.file == Path::new("-");
    if to_stdout && ui.answers_to_terminal() {
        return Err(
            CommandError::new(Kind::Usage, "a backup is binary, and stdout is a terminal")
                .hint("name a file, or pipe it on")
                .into(),
        );
    }
    if args.key.is_given() && !args.include_key {
        return Err(
            CommandError::new(Kind::Usage, "a backup needs the store's key only to include it")
                .hint("add --include-key, or leave the key out")
                .into(),
        );
    }
    let data_dir = match args.data_dir {
        Some(path) => path,
        None => context.environment.data_dir()?,
    };
    let include_key = if args.include_key {
        Some(args.key.resolve(context)?)
    } else {
        None
    };
    let output = OutputArgs::private_file(args.file.clone(), args.force).prepare()?;
    if !data_dir.is_dir() {
        return Err(BackupError::NoStore(data_dir).into());
    }
    let options = BackupOptions {
        passphrase: args.passphrase.choose(context).await?,
        include_key,
        data_dir,
    };
    // Removed when this ends, by Ctrl-C too.
    let workspace = Workspace::create_in(&options.data_dir)
        .with_context(|| format!("{} cannot be written", options.data_dir.display()))?;
    let path = workspace.path().to_owned();
    ui.busy().doing("Backing up the store".to_owned());
    let manifest = ui
        .while_busy(output.write_with(move |output| Ok(back_up(&options, &path, output)?)))
        .await?;
    let secrets = count(manifest.secret_count(), "secret");
    if to_stdout {
        ui.note(&format!("Backed up {secrets}."));
    } else {
        ui.note(&format!(
            "Backed up {secrets} to {}.",
            escape(&args.file.to_string_lossy())
        ));
    }
    Ok(Outcome::Done)
}
