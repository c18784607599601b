//! The key that is to open the store from now on.

use std::path::PathBuf;

use clap::Args;

use super::store_key::{key_command, passphrase};
use crate::cli::context::Context;
use crate::cli::error::{CommandError, Kind};
use crate::cli::ui::text::shell_word;
use crate::server::store::KeySource;

/// Flags that say which key opens the store from now on.
#[derive(Debug, Args)]
#[command(next_help_heading = "New key of the store")]
#[group(required = true, multiple = false)]
#[expect(clippy::struct_field_names, reason = "they are the names of the flags")]
pub(in crate::cli) struct NewKeyArgs {
    /// File with the new key; made if it is missing
    #[arg(long, value_name = "PATH")]
    new_key_file: Option<PathBuf>,
    /// File with a passphrase to make the new key of
    #[arg(long, value_name = "PATH")]
    new_key_passphrase_file: Option<PathBuf>,
    /// Program, with its arguments, that prints the new key
    #[arg(long, value_name = "COMMAND")]
    new_key_command: Option<String>,
    /// Name of the systemd credential with the new key
    #[arg(long, value_name = "NAME")]
    new_key_credential: Option<String>,
    /// Make a new key in the data directory, where the store's key is by default
    #[arg(long)]
    new_key_in_data_dir: bool,
}

/// A new key's source, and the flag that names it from now on; none if it needs none.
#[derive(Debug)]
pub(in crate::cli) struct NewKey {
    pub(in crate::cli) source: KeySource,
    pub(in crate::cli) flag: Option<String>,
}

impl NewKeyArgs {
    /// The source of the new key. A key file is made if it is missing.
    pub(in crate::cli) fn resolve(self, context: &Context) -> anyhow::Result<NewKey> {
        let named = |flag: &str, value: &str| Some(format!("{flag} {}", shell_word(value)));
        if let Some(path) = self.new_key_file {
            KeySource::make_file(&path)?;
            let flag = named("--key-file", &path.to_string_lossy());
            return Ok(NewKey {
                source: KeySource::File(path),
                flag,
            });
        }
        if let Some(path) = self.new_key_passphrase_file {
            return Ok(NewKey {
                source: passphrase(context, &path)?,
                flag: named("--key-passphrase-file", &path.to_string_lossy()),
            });
        }
        if let Some(command) = self.new_key_command {
            return Ok(NewKey {
                source: key_command(&command)?,
                flag: named("--key-command", &command),
            });
        }
        if let Some(name) = self.new_key_credential {
            return Ok(NewKey {
                source: credential(context, &name)?,
                flag: Some("the systemd credential meshagent.key with this key".to_owned()),
            });
        }
        Ok(NewKey {
            source: KeySource::Default,
            flag: None,
        })
    }
}

fn credential(context: &Context, name: &str) -> anyhow::Result<KeySource> {
    let directory = context.environment.text("CREDENTIALS_DIRECTORY")?;
    let Some(directory) = directory else {
        return Err(CommandError::new(Kind::Usage, "there are no systemd credentials here")
            .hint("run the command by `systemd-run --pipe -p LoadCredential=…`, or give --new-key-command 'systemd-creds decrypt …'")
            .into());
    };
    if name.is_empty() || name.contains('/') {
        return Err(CommandError::new(Kind::Usage, "this is not the name of a systemd credential").into());
    }
    Ok(KeySource::SystemdCredential(PathBuf::from(directory).join(name)))
}
