//! Which key opens the store: the first of the places where it may be given.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use crate::cli::context::Context;
use crate::cli::error::{CommandError, Kind};
use crate::cli::ui::Ui;
use crate::sensitive::SensitiveText;
use crate::server::store::{KeyCommand, KeySource};

/// Name of the systemd credential that holds the key.
const SYSTEMD_CREDENTIAL: &str = "meshagent.key";

/// Flags that say which key opens the store.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Key of the store")]
#[expect(clippy::struct_field_names, reason = "they are the names of the flags")]
pub(in crate::cli) struct KeyArgs {
    /// File with the store's key [env: MESHAGENT_KEY_FILE]
    #[arg(long, value_name = "PATH")]
    key_file: Option<PathBuf>,
    /// Program, with its arguments, that prints the store's key [env: MESHAGENT_KEY_COMMAND]
    #[arg(long, value_name = "COMMAND", conflicts_with = "key_file")]
    key_command: Option<String>,
    /// File with a passphrase to make the key of [env: MESHAGENT_KEY_PASSPHRASE_FILE]
    #[arg(long, value_name = "PATH", conflicts_with_all = ["key_file", "key_command"])]
    key_passphrase_file: Option<PathBuf>,
}

impl KeyArgs {
    /// Whether a flag says which key it is.
    pub(in crate::cli) const fn is_given(&self) -> bool {
        self.key_file.is_some() || self.key_command.is_some() || self.key_passphrase_file.is_some()
    }

    /// The key's source: a flag's; else a file, a command, a systemd credential, a passphrase or the key itself, as the
    /// environment has it; else the key file beside the database.
    pub(in crate::cli) fn resolve(&self, context: &Context) -> anyhow::Result<KeySource> {
        let variable = |name: &'static str| context.environment.text(name);
        let path = |name: &'static str| anyhow::Ok(variable(name)?.map(PathBuf::from));
        if let Some(path) = &self.key_file {
            return Ok(KeySource::File(path.clone()));
        }
        if let Some(command) = &self.key_command {
            return key_command(command);
        }
        if self.key_passphrase_file.is_none() {
            if let Some(path) = path("MESHAGENT_KEY_FILE")? {
                return Ok(KeySource::File(path));
            }
            if let Some(command) = variable("MESHAGENT_KEY_COMMAND")? {
                return key_command(command);
            }
        }
        if let Some(directory) = path("CREDENTIALS_DIRECTORY")? {
            let credential = directory.join(SYSTEMD_CREDENTIAL);
            if credential.exists() {
                return Ok(KeySource::SystemdCredential(credential));
            }
        }
        let passphrase_file = match &self.key_passphrase_file {
            Some(path) => Some(path.clone()),
            None => path("MESHAGENT_KEY_PASSPHRASE_FILE")?,
        };
        if let Some(path) = passphrase_file {
            return passphrase(context, &path);
        }
        Ok(variable("MESHAGENT_KEY")?.map_or(KeySource::Default, |key| KeySource::Environment(key.into())))
    }
}

/// The program in `text` and its arguments, quoted as in a POSIX shell.
pub(super) fn key_command(text: &str) -> anyhow::Result<KeySource> {
    let command = shlex::split(text).and_then(KeyCommand::new);
    command.map(KeySource::Command).ok_or_else(|| {
        CommandError::new(
            Kind::Usage,
            "the key command is empty, or a quote in it does not end",
        )
        .hint("give a program and its arguments, such as 'pass show room-key'")
        .into()
    })
}

/// The passphrase in the file `path`, without the newline at its end.
pub(super) fn passphrase(context: &Context, path: &Path) -> anyhow::Result<KeySource> {
    context.warn_if_open(path, "the passphrase of the store's key");
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("the passphrase file {} cannot be read", path.display()))?;
    let text = SensitiveText::new(text);
    Ok(KeySource::Passphrase(
        text.expose().trim_end_matches(['\r', '\n']).into(),
    ))
}

/// Says so, where a store is opened, if its key is where other programs can read it.
pub(in crate::cli) fn warn_of(key_source: &KeySource, ui: &Ui) {
    if let Some(path) = key_source.file_that_others_read() {
        ui.warn(&format!(
            "other users of this system can read the store's key in {}; give it mode 0400 where it is mounted",
            path.display()
        ));
    }
    if matches!(key_source, KeySource::Environment(_)) {
        ui.warn(
            "the store's key comes from MESHAGENT_KEY, which your other programs can read; a file that MESHAGENT_KEY_FILE names is safer",
        );
    }
}
