//! The passphrase of a backup: from a file, stdin or a hidden prompt.

use std::path::{Path, PathBuf};

use clap::Args;

use super::input::{Limit, read_file_or_stdin};
use crate::cli::context::Context;
use crate::cli::error::{CommandError, Kind};
use crate::cli::ui::terminal;
use crate::sensitive::{SecretValue, SensitiveText};

const OTHERWISE: &str = "give it with --passphrase-file PATH, or with --passphrase-file - on stdin";

/// Flags that say how a backup is protected.
#[derive(Debug, Args)]
#[command(next_help_heading = "Passphrase of the backup")]
pub(in crate::cli) struct BackupPassphraseArgs {
    /// File with the passphrase, or `-` for stdin; without it the terminal is asked
    #[arg(long, value_name = "PATH")]
    passphrase_file: Option<PathBuf>,
    /// The backup is not encrypted, as where another program does that
    #[arg(long, conflicts_with = "passphrase_file")]
    no_encryption: bool,
}

impl BackupPassphraseArgs {
    /// Whether stdin has the passphrase.
    pub(in crate::cli) fn uses_stdin(&self) -> bool {
        self.passphrase_file
            .as_deref()
            .is_some_and(|path| path == Path::new("-"))
    }

    /// The passphrase for a new backup, which the terminal is asked for twice. None without encryption.
    pub(in crate::cli) async fn choose(&self, context: &Context) -> anyhow::Result<Option<SensitiveText>> {
        let chosen = self.read(context).await?;
        if let Some(chosen) = &chosen
            && self.passphrase_file.is_none()
        {
            let again = ask(context, "The same again: ").await?;
            if again.expose() != chosen.expose() {
                return Err(CommandError::new(Kind::Usage, "the two passphrases differ")
                    .hint("start again, and type the same twice")
                    .into());
            }
        }
        Ok(chosen)
    }

    /// The passphrase of a backup. None without encryption.
    pub(in crate::cli) async fn read(&self, context: &Context) -> anyhow::Result<Option<SensitiveText>> {
        if self.no_encryption {
            return Ok(None);
        }
        let passphrase = match &self.passphrase_file {
            Some(path) => {
                if !self.uses_stdin() {
                    context.warn_if_open(path, "the passphrase of the backup");
                }
                text(&read_file_or_stdin(path, Limit::Value).await?.content)?
            }
            None if !context.ui.can_ask_beside_stdin() => {
                return Err(CommandError::new(Kind::Usage, "no passphrase was given")
                    .hint(OTHERWISE)
                    .into());
            }
            None => ask(context, "Passphrase of the backup (not shown): ").await?,
        };
        if passphrase.expose().is_empty() {
            return Err(CommandError::new(Kind::Usage, "the passphrase is empty")
                .hint(OTHERWISE)
                .into());
        }
        Ok(Some(passphrase))
    }
}

async fn ask(context: &Context, question: &str) -> anyhow::Result<SensitiveText> {
    text(&terminal::hidden(&context.ui, question, OTHERWISE).await?)
}

/// Newlines at the end are not part of a passphrase.
fn text(bytes: &SecretValue) -> anyhow::Result<SensitiveText> {
    let text = std::str::from_utf8(bytes.expose())
        .map_err(|_| CommandError::new(Kind::Usage, "the passphrase is not UTF-8").hint(OTHERWISE))?;
    Ok(text.trim_end_matches(['\r', '\n']).into())
}
