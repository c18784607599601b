//! The keys of an open store, which another process may change: it may add a store key and make it the current one,
//! remove one that no row uses any more, and change the source of the key that wraps them.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rusqlite::Connection;

use super::StoreError;
use super::keys::StoreKeys;
use super::meta::{Meta, wrapped_keys};
use super::rekey;
use super::seal::Key;

/// The key-encryption key of a slot.
#[derive(Clone)]
pub(super) struct SlotKey {
    pub(super) slot: u32,
    pub(super) kek: Key,
}

/// The keys in use. A new store key is found where a row or a transaction needs it, so that no process has to be told.
pub(super) struct LiveKeys {
    present: RwLock<Arc<StoreKeys>>,
    /// The slots that this process can open: one, and while the key source changes also the next.
    slots: Mutex<Vec<SlotKey>>,
}

impl fmt::Debug for LiveKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveKeys")
            .field("present", &self.present)
            .finish_non_exhaustive()
    }
}

impl LiveKeys {
    /// The keys that `slot` opened.
    pub(super) fn new(keys: StoreKeys, slot: SlotKey) -> Self {
        Self {
            present: RwLock::new(Arc::new(keys)),
            slots: Mutex::new(vec![slot]),
        }
    }

    /// The keys as they were last read.
    pub(super) fn present(&self) -> Arc<StoreKeys> {
        Arc::clone(&self.present.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The slot that this process opens: the last one, if there are two.
    pub(super) fn slot(&self) -> Result<SlotKey, StoreError> {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.last().cloned().ok_or(StoreError::KeySourceChanged)
    }

    /// The keys for a transaction of `connection`, which has begun: those that its rows are sealed with, and the
    /// current one.
    ///
    /// # Errors
    /// Those of [`LiveKeys::reload`].
    pub(super) fn in_transaction(&self, connection: &Connection) -> Result<Arc<StoreKeys>, StoreError> {
        let present = self.present();
        if Meta::read(connection)?.current == present.current() {
            return Ok(present);
        }
        self.reload(connection)
    }

    /// Reads the keys again.
    ///
    /// # Errors
    /// [`StoreError::KeySourceChanged`] if no slot is left that this process can open.
    pub(super) fn reload(&self, connection: &Connection) -> Result<Arc<StoreKeys>, StoreError> {
        let snapshot = if connection.is_autocommit() {
            Some(connection.unchecked_transaction()?)
        } else {
            None
        };
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let meta = Meta::read(connection)?;
        let mut keys = None;
        let mut left = Vec::new();
        let mut waiting: Vec<SlotKey> = slots.clone();
        while let Some(slot) = waiting.pop() {
            let wrapped = wrapped_keys(connection, slot.slot)?;
            let Some(opened) = StoreKeys::unwrap(&slot.kek, meta.database, meta.current, &wrapped) else {
                continue;
            };
            let is_known = |next: &SlotKey| {
                left.iter()
                    .chain(&waiting)
                    .any(|known: &SlotKey| known.slot == next.slot)
            };
            if let Some(next) =
                rekey::next_slot(&slot, &wrapped, &meta.database).filter(|next| !is_known(next))
            {
                waiting.push(next);
            }
            left.push(slot);
            keys = Some(opened);
        }
        drop(snapshot);
        let keys = Arc::new(keys.ok_or(StoreError::KeySourceChanged)?);
        left.sort_by_key(|slot| slot.slot);
        *slots = left;
        *self.present.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&keys);
        Ok(keys)
    }
}
