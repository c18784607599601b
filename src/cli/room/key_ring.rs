//! The key ring of the room server on this machine: opened in its data directory, whether the server runs or not.

use std::time::Duration;

use anyhow::Context as _;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::local_store::{LocalStore, command_user};
use crate::cli::args::data_dir::DataDirArgs;
use crate::cli::context::Context;
use crate::cli::error::{CommandError, Kind};
use crate::server::KeyRing;
use crate::server::store::{
    Actor, KeyRingChange, KeyRingStore as _, KeySource, KeyStatus, Rotated, StoredKeyRing,
};

/// How long a running server is waited for until it has applied a change. It looks for changes four times a second.
const APPLY_PATIENCE: Duration = Duration::from_secs(5);

/// How long to wait between two looks at what the server has applied.
const APPLY_PAUSE: Duration = Duration::from_millis(20);

/// The key ring in a data directory.
#[derive(Debug)]
pub(in crate::cli) struct LocalKeyRing {
    store: LocalStore,
    /// Who runs the command.
    actor: Actor,
}

/// A change that is stored.
#[derive(Debug)]
#[must_use = "a running server may not have applied it yet"]
pub(in crate::cli) struct StoredChange(u64);

impl LocalKeyRing {
    /// Opens the store in the data directory, and makes it if it is missing.
    pub(in crate::cli) async fn open(context: &Context, args: &DataDirArgs) -> anyhow::Result<Self> {
        Ok(Self {
            store: LocalStore::open(context, args).await?,
            actor: command_user(context),
        })
    }

    /// As [`LocalKeyRing::open`], but makes no store.
    ///
    /// # Errors
    /// If there is none.
    pub(in crate::cli) async fn open_existing(context: &Context, args: &DataDirArgs) -> anyhow::Result<Self> {
        Ok(Self {
            store: LocalStore::open_existing(context, args).await?,
            actor: command_user(context),
        })
    }

    /// Whether a server runs there.
    pub(in crate::cli) const fn is_served(&self) -> bool {
        self.store.is_served
    }

    /// The keys of the store, without the keys themselves.
    pub(in crate::cli) async fn key_status(&self) -> anyhow::Result<KeyStatus> {
        Ok(self.store.key_status().await?)
    }

    /// Replaces the store key, or finishes a rotation.
    pub(in crate::cli) async fn rotate(&self) -> anyhow::Result<Rotated> {
        Ok(self.store.rotate(|_| {}).await?)
    }

    /// Lets `source` alone open the store. A running server is waited for, which needs the former source to learn of the
    /// new one.
    pub(in crate::cli) async fn rekey(&self, source: KeySource) -> anyhow::Result<()> {
        let rekeying = self
            .store
            .begin_rekey(self.store.data_dir.path(), &source)
            .await?;
        self.applied(StoredChange(rekeying.key_ring_version()))
            .await
            .context("both the former and the new key open the store; run this again to finish")?;
        Ok(self.store.finish_rekey(rekeying).await?)
    }

    /// What is stored.
    pub(in crate::cli) async fn stored(&self) -> anyhow::Result<StoredKeyRing> {
        Ok(self.store.key_ring().await?)
    }

    /// The project that all its API keys belong to.
    pub(in crate::cli) async fn project_id(&self) -> anyhow::Result<Uuid> {
        Ok(KeyRing::new(self.stored().await?)?.current().project_id())
    }

    /// Stores a change.
    pub(in crate::cli) async fn change(&self, change: KeyRingChange) -> anyhow::Result<StoredChange> {
        Ok(StoredChange(
            self.store.change_key_ring(change, self.actor.clone()).await?,
        ))
    }

    /// Waits until the server that runs, if one does, has applied a change.
    pub(in crate::cli) async fn applied(&self, change: StoredChange) -> anyhow::Result<()> {
        let deadline = Instant::now() + APPLY_PATIENCE;
        while self.store.is_served && self.store.applied_key_ring().await? < change.0 {
            if Instant::now() >= deadline {
                return Err(CommandError::new(
                    Kind::Failed,
                    "the change is stored, but the running server has not applied it",
                )
                .hint("look at the server's log; it applies the change when it is started again")
                .into());
            }
            sleep(APPLY_PAUSE).await;
        }
        Ok(())
    }

    /// Lets `client.env` name the current API key.
    pub(in crate::cli) async fn update_client_env(&self) -> anyhow::Result<()> {
        let ring = KeyRing::new(self.stored().await?)?;
        Ok(self.store.data_dir.update_client_env(&ring.current().text())?)
    }

    /// Closes the store.
    pub(in crate::cli) async fn close(self) -> anyhow::Result<()> {
        self.store.close().await
    }
}
