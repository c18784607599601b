//! Removes old entries. The head keeps the MAC of the last one that was removed, from which the first one that is left
//! continues, and an entry says how many were removed.

use std::sync::Arc;

use rusqlite::{Transaction, TransactionBehavior};

use super::append::Appender;
use super::chain::{ChainKey, Head};
use super::chain_key;
use super::entry::{Actor, AuditEntry};
use super::rows::{SELECT, recorded};
use crate::server::store::worker::Shared;
use crate::server::store::{StoreError, commits};

/// Most entries that are removed in one transaction, for which all other changes wait.
const BATCH: u64 = 1000;

/// What was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pruned {
    /// How many entries.
    pub(super) entries: u64,
    /// Whether older entries than the given time may be left.
    pub(super) more: bool,
}

/// Removes some of the oldest entries from before `before`, in Unix milliseconds, for `actor`. An entry is removed only
/// with all those before it, and only if it is what was written, unless `force` is given: a pruned log would not show
/// any more that it was changed.
///
/// # Errors
/// [`StoreError::Corrupted`] for an entry that is not what was written.
pub(super) fn prune(shared: &Shared, before: u64, actor: Actor, force: bool) -> Result<Pruned, StoreError> {
    let key = chain_key(shared)?;
    shared.connections.with(|connection| {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let pruned = {
            let mut appender = Appender::new(&transaction, key.clone());
            let mut head = appender.begin()?;
            let pruned = advance(&transaction, &key, &mut head, before, force)?;
            if pruned.entries > 0 {
                transaction.execute("DELETE FROM audit WHERE seq <= ?", [head.pruned_seq])?;
                let mut entry = AuditEntry::new(Arc::new(actor), "prune_audit");
                entry.count = Some(pruned.entries);
                appender.append(&mut head, &entry)?;
                appender.finish(&head)?;
            }
            pruned
        };
        if pruned.entries > 0 {
            commits::commit(transaction, shared)?;
        }
        Ok(pruned)
    })
}

/// Moves the place where the log is pruned behind the entries from before `before`. The last entry always stays.
fn advance(
    transaction: &Transaction<'_>,
    key: &ChainKey,
    head: &mut Head,
    before: u64,
    force: bool,
) -> Result<Pruned, StoreError> {
    let mut pruned = Pruned {
        entries: 0,
        more: false,
    };
    let mut statement = transaction.prepare(&format!(
        "{SELECT} WHERE seq > ? AND seq < ? ORDER BY seq LIMIT ?"
    ))?;
    let mut rows = statement.query((head.pruned_seq, head.seq, BATCH))?;
    while let Some(row) = rows.next()? {
        let seq = row.get(0)?;
        let is_next = seq == head.pruned_seq.saturating_add(1);
        let entry = recorded(row)?;
        if entry.as_ref().is_some_and(|entry| entry.entry.at >= before) {
            return Ok(pruned);
        }
        let is_intact = is_next
            && entry.as_ref().is_some_and(|recorded| {
                key.is_link(
                    &head.pruned_mac,
                    (recorded.chain, seq),
                    &recorded.entry,
                    &recorded.mac,
                )
            });
        if !is_intact && !force {
            return Err(StoreError::Corrupted(format!(
                "entry {seq} of the audit log, or one before it, is not what was written"
            )));
        }
        head.pruned_seq = seq;
        head.pruned_mac = row.get(15)?;
        pruned.entries = pruned.entries.saturating_add(1);
    }
    pruned.more = pruned.entries == BATCH;
    Ok(pruned)
}
