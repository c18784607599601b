//! The store of the room server on this machine: opened in its data directory, whether the server runs or not.

use std::ops::Deref;

use tokio::task::spawn_blocking;

use crate::cli::args::data_dir::DataDirArgs;
use crate::cli::args::store_key::warn_of;
use crate::cli::context::Context;
use crate::cli::error::{CommandError, Kind};
use crate::server::backup::has_store;
use crate::server::data_dir::{DataDir, LocalAccess};
use crate::server::store::{Actor, AuditStore as _, SqliteStore, Store as _};

/// The store in a data directory.
#[derive(Debug)]
pub(in crate::cli) struct LocalStore {
    pub(super) data_dir: DataDir,
    store: SqliteStore,
    /// Whether a server runs there.
    pub(super) is_served: bool,
}

impl LocalStore {
    /// Opens the store, and makes it if it is missing.
    pub(in crate::cli) async fn open(context: &Context, args: &DataDirArgs) -> anyhow::Result<Self> {
        let path = args.path(context)?;
        let key_source = args.key.resolve(context)?;
        warn_of(&key_source, &context.ui);
        let opened = spawn_blocking(move || {
            let (data_dir, is_served) = match DataDir::open_local(&path)? {
                LocalAccess::Here(data_dir) => (data_dir, false),
                LocalAccess::Served(_) => (DataDir::beside_server(&path)?, true),
            };
            let store = SqliteStore::open(&data_dir, &key_source)?;
            anyhow::Ok(Self {
                data_dir,
                store,
                is_served,
            })
        });
        opened.await?
    }

    /// Opens the store if there is one.
    pub(in crate::cli) async fn open_existing(context: &Context, args: &DataDirArgs) -> anyhow::Result<Self> {
        let path = args.path(context)?;
        if has_store(&path) {
            return Self::open(context, args).await;
        }
        let error = CommandError::new(Kind::NotFound, format!("there is no store in {}", path.display()));
        Err(error
            .hint("name the server's data directory with --data-dir")
            .into())
    }

    /// The number of the last entry of the audit log.
    pub(in crate::cli) async fn last_entry(&self) -> anyhow::Result<u64> {
        Ok(self.store.anchor().await?.seq)
    }

    /// Closes the store.
    pub(in crate::cli) async fn close(self) -> anyhow::Result<()> {
        Ok(self.store.close().await?)
    }
}

impl Deref for LocalStore {
    type Target = SqliteStore;

    fn deref(&self) -> &SqliteStore {
        &self.store
    }
}

/// Who runs the command, as the audit log names it.
pub(in crate::cli) fn command_user(context: &Context) -> Actor {
    Actor {
        identity: context.environment.user_name(),
        ..Actor::default()
    }
}
