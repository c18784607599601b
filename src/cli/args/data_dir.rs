//! The data directory of the room server on this machine, and the key of its store.

use std::path::PathBuf;

use clap::Args;

use super::store_key::KeyArgs;
use crate::cli::context::Context;

/// Flags of commands that work in the data directory itself.
#[derive(Debug, Args)]
pub(in crate::cli) struct DataDirArgs {
    /// Data directory of the room server [env: MESHAGENT_DATA_DIR]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) key: KeyArgs,
}

impl DataDirArgs {
    /// The data directory: the flag's, the environment's, or the platform's.
    pub(in crate::cli) fn path(&self, context: &Context) -> anyhow::Result<PathBuf> {
        match &self.data_dir {
            Some(path) => Ok(path.clone()),
            None => Ok(context.environment.data_dir()?),
        }
    }

    /// Whether the data directory was named.
    pub(in crate::cli) const fn is_given(&self) -> bool {
        self.data_dir.is_some()
    }
}
