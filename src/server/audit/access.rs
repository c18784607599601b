//! What one call has to do with secrets, noted while it is worked on, for its entry in the audit log.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{AuditLog, Unrecorded};
use crate::clock;
use crate::server::store::{Actor, AuditEntry, AuditOutcome, SecretKey};
use crate::wire::{Identity, RoomName, SecretId};

/// The access of one call.
#[derive(Debug)]
pub(in crate::server) struct Access(Mutex<Noted>);

#[derive(Debug)]
struct Noted {
    entry: AuditEntry,
    /// The outcome that the log has already: that of a change, whose entry is in its own transaction.
    recorded: Option<AuditOutcome>,
}

impl Access {
    /// The access of a call to the tool `operation` in `room`.
    pub(in crate::server) fn new(actor: Arc<Actor>, room: &RoomName, operation: &'static str) -> Self {
        let mut entry = AuditEntry::new(actor, operation);
        entry.room = Some(room.to_string());
        Self(Mutex::new(Noted {
            entry,
            recorded: None,
        }))
    }

    /// The call is about the secret at `key`, which may not be there.
    pub(in crate::server) fn about(&self, key: &SecretKey) {
        self.lock().entry.set_secret(key);
    }

    /// The call is about a secret that some owner may have delegated to `viewer`.
    pub(in crate::server) fn about_delegated(&self, id: &SecretId, viewer: &Identity) {
        let entry = &mut self.lock().entry;
        entry.secret = Some(id.to_string());
        entry.delegate = Some(viewer.to_string());
    }

    /// The call is more exactly this operation.
    pub(in crate::server) fn is_operation(&self, operation: &'static str) {
        self.lock().entry.operation = operation.into();
    }

    /// The call shows so many secrets.
    pub(in crate::server) fn shows(&self, count: usize) {
        self.lock().entry.count = Some(count as u64);
    }

    /// The call is answered, and what it looked for is not there.
    pub(in crate::server) fn found_nothing(&self) {
        self.lock().entry.outcome = AuditOutcome::NotFound;
    }

    /// The entry of a change of the secret at `key`, for the transaction of the change.
    pub(in crate::server) fn of_change(&self, key: &SecretKey) -> AuditEntry {
        let mut entry = self.lock().entry.clone().about(key);
        entry.at = clock::now_millis();
        entry
    }

    /// A change was made, and its entry recorded with it. `changed` says whether there was something to change.
    pub(in crate::server) fn changed(&self, changed: bool) {
        self.lock().recorded = Some(if changed {
            AuditOutcome::Done
        } else {
            AuditOutcome::NotFound
        });
    }

    /// Records how the call ended, before it is answered: `failure` if it is answered with an error. Does nothing if a
    /// change has recorded the same.
    pub(in crate::server) async fn record(
        &self,
        log: &AuditLog,
        failure: Option<AuditOutcome>,
    ) -> Result<(), Unrecorded> {
        let entry = {
            let noted = self.lock();
            let mut entry = noted.entry.clone();
            entry.outcome = failure.unwrap_or(entry.outcome);
            if noted.recorded == Some(entry.outcome) {
                return Ok(());
            }
            entry.at = clock::now_millis();
            entry
        };
        log.record(entry).await
    }

    fn lock(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
