//! Changes of the keys of a store in an SQLite database, for the operator.

use std::path::Path;

use tokio::time::sleep;

use super::rotation::Pass;
use super::{KeySource, KeyStatus, Rekeying, Rotated, SqliteStore, StoreError, key_status, rekey, rotation};

impl SqliteStore {
    /// Makes a new store key and seals every row anew with it, while other processes may use the store; or finishes a
    /// rotation that was not finished. Pauses after each batch for as long as that kept other processes from writing,
    /// and calls `progress` with how many rows were sealed anew.
    ///
    /// # Errors
    /// [`StoreError::RekeyUnfinished`] while the key source is changed. A rotation that fails is gone on with by the
    /// next one.
    pub async fn rotate(&self, progress: impl Fn(usize) + Send) -> Result<Rotated, StoreError> {
        if self.blocking(rotation::is_unfinished).await? {
            let resumed = self.reseal(&progress).await?;
            let is_only = !self.blocking(rotation::is_unfinished).await?;
            if resumed.resealed > 0 || is_only {
                return Ok(Rotated {
                    was_resumed: true,
                    ..resumed
                });
            }
            // What is left are damaged rows, which must not keep the others from a new key.
        }
        self.blocking(rotation::begin).await?;
        self.reseal(&progress).await
    }

    async fn reseal(&self, progress: &(impl Fn(usize) + Send)) -> Result<Rotated, StoreError> {
        let mut pass = Pass::default();
        loop {
            let (next, took) = self
                .blocking(move |shared| {
                    let took = rotation::step(shared, &mut pass)?;
                    Ok::<_, StoreError>((pass, took))
                })
                .await?;
            pass = next;
            progress(pass.resealed);
            match took {
                Some(took) => sleep(took).await,
                None => break,
            }
        }
        Ok(Rotated {
            key: self.blocking(rotation::finish).await?,
            was_resumed: false,
            resealed: pass.resealed,
            damaged: pass.damaged,
        })
    }

    /// Lets `source` open the store too, while other processes may use the store; [`KeySource::Default`] means a new key
    /// file in the data directory `directory`, in place of the former one. [`SqliteStore::finish_rekey`] then removes the former source.
    ///
    /// # Errors
    /// Those of the key source.
    pub async fn begin_rekey(&self, directory: &Path, source: &KeySource) -> Result<Rekeying, StoreError> {
        let (directory, source) = (directory.to_owned(), source.clone());
        self.blocking(move |shared| rekey::begin(shared, &directory, &source))
            .await
    }

    /// Lets only the new source open the store.
    ///
    /// # Errors
    /// [`StoreError::RekeyUnfinished`] if another process has changed the source meanwhile.
    pub async fn finish_rekey(&self, rekeying: Rekeying) -> Result<(), StoreError> {
        self.blocking(move |shared| rekey::finish(shared, &rekeying))
            .await
    }

    /// The key sources and the store keys, and how many rows are sealed with each.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn key_status(&self) -> Result<KeyStatus, StoreError> {
        self.blocking(key_status::read).await
    }
}
