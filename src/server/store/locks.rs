//! Locks of single secrets, held while a credential is refreshed or replaced: between tasks of this process
//! and between processes that use the same data directory.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use tokio::sync::OwnedMutexGuard;
use tokio::task::spawn_blocking;

use super::{SecretKey, StoreError};
use crate::fs::LockFile;

/// Number of lock files between processes. Two secrets may share one: then one of them waits for the other.
const FILES: u8 = 16;

/// How long another process is waited for: longer than what is done under a lock takes.
const PATIENCE: Duration = Duration::from_mins(1);

/// The lock of one secret; dropping it releases the lock.
#[derive(Debug)]
pub struct SecretLock {
    /// Open as long as its lock is held.
    _file: Option<LockFile>,
    _guard: OwnedMutexGuard<()>,
}

/// The locks that are held, by secret.
#[derive(Debug)]
pub(super) struct SecretLocks {
    here: Mutex<HashMap<SecretKey, Weak<tokio::sync::Mutex<()>>>>,
    /// The directory of the lock files. None if no other process uses the store.
    directory: Option<PathBuf>,
}

impl SecretLocks {
    pub(super) fn new(directory: Option<&Path>) -> Self {
        Self {
            here: Mutex::default(),
            directory: directory.map(Path::to_owned),
        }
    }

    /// Waits for the lock of `key` and takes it.
    pub(super) async fn take(&self, key: SecretKey) -> Result<SecretLock, StoreError> {
        let path = self
            .directory
            .as_ref()
            .map(|directory| directory.join(file_name(&key)));
        let guard = self.here(key).lock_owned().await;
        let file = match path {
            Some(path) => Some(
                spawn_blocking(move || lock(&path))
                    .await
                    .map_err(|_| StoreError::Stopped)??,
            ),
            None => None,
        };
        Ok(SecretLock {
            _file: file,
            _guard: guard,
        })
    }

    fn here(&self, key: SecretKey) -> Arc<tokio::sync::Mutex<()>> {
        let mut here = self.here.lock().unwrap_or_else(PoisonError::into_inner);
        here.retain(|_, turn| turn.strong_count() > 0);
        if let Some(turn) = here.get(&key).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::default();
        here.insert(key, Arc::downgrade(&turn));
        turn
    }
}

fn file_name(key: &SecretKey) -> String {
    // Names contain no control characters.
    let text = [
        key.room.as_str(),
        key.owner.as_str(),
        key.delegate_text(),
        key.id.as_str(),
    ]
    .join("\n");
    let number = Sha256::digest(text).first().map_or(0, |byte| byte % FILES);
    format!("turn.{number}")
}

fn lock(path: &Path) -> Result<LockFile, StoreError> {
    let failed = |error| StoreError::io("lock", path, error);
    let file = LockFile::open(path).map_err(failed)?;
    if file.exclusive_until(Instant::now() + PATIENCE).map_err(failed)? {
        Ok(file)
    } else {
        Err(StoreError::Busy)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;

    use super::*;
    use crate::wire::{Identity, RoomName, SecretId};

    fn key(id: &str) -> SecretKey {
        SecretKey {
            room: RoomName::new("room").unwrap(),
            owner: Identity::new("alice").unwrap(),
            delegated_to: None,
            id: SecretId::new(id).unwrap(),
        }
    }

    /// The most tasks that held the lock at the same time.
    async fn most_at_once(locks: &[Arc<SecretLocks>], id: impl Fn(usize) -> String) -> usize {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let takes = (0..20).map(|number| {
            let (locks, id, now, most) = (&locks[number % locks.len()], id(number), &now, &most);
            async move {
                let _turn = locks.take(key(&id)).await.unwrap();
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                for _ in 0..10 {
                    tokio::task::yield_now().await;
                }
                now.fetch_sub(1, Ordering::SeqCst);
            }
        });
        join_all(takes).await;
        most.into_inner()
    }

    #[tokio::test]
    async fn a_secret_is_locked_once_and_others_are_not_affected() {
        let locks = [Arc::new(SecretLocks::new(None))];
        assert_eq!(most_at_once(&locks, |_| "same".to_owned()).await, 1);
        assert!(most_at_once(&locks, |number| number.to_string()).await > 1);
        let _turn = locks[0].take(key("last")).await.unwrap();
        assert_eq!(
            locks[0].here.lock().unwrap().len(),
            1,
            "a released lock is forgotten"
        );
    }

    #[tokio::test]
    async fn locks_exclude_other_processes() {
        let directory = tempfile::tempdir().unwrap();
        let locks = [(); 2].map(|()| Arc::new(SecretLocks::new(Some(directory.path()))));
        assert_eq!(most_at_once(&locks, |_| "same".to_owned()).await, 1);
    }
}
