//! Appends entries to the chain, within the transaction of the caller.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::chain::{ChainKey, Head};
use super::entry::AuditEntry;
use crate::server::store::StoreError;
use crate::server::store::connection::Prepared;

pub(super) const SELECT_HEAD: &str =
    "SELECT chain, seq, mac, pruned_seq, pruned_mac, head_mac FROM audit_head";
const UPDATE_HEAD: &str =
    "UPDATE audit_head SET seq = ?, mac = ?, pruned_seq = ?, pruned_mac = ?, head_mac = ? WHERE chain = ?";
const INSERT: &str =
    "INSERT INTO audit (seq, chain, at, room, identity, participant_id, token_id, api_key_id, peer,
        operation, owner, secret, delegate, outcome, count, mac)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// Appends entries through one connection. An append is made of [`Appender::begin`], [`Appender::append`] for each
/// entry and [`Appender::finish`], all in one transaction: another process may append before and after it.
#[derive(Debug)]
pub(in crate::server::store) struct Appender<'c> {
    key: ChainKey,
    select_head: Prepared<'c>,
    update_head: Prepared<'c>,
    insert: Prepared<'c>,
}

impl<'c> Appender<'c> {
    pub(in crate::server::store) const fn new(connection: &'c Connection, key: ChainKey) -> Self {
        Self {
            key,
            select_head: Prepared::new(connection, SELECT_HEAD),
            update_head: Prepared::new(connection, UPDATE_HEAD),
            insert: Prepared::new(connection, INSERT),
        }
    }

    /// The head that the entries follow.
    ///
    /// # Errors
    /// [`StoreError::Corrupted`] if it is not what was written.
    pub(in crate::server::store) fn begin(&mut self) -> Result<Head, StoreError> {
        let statement = self.select_head.statement()?;
        let found = statement.query_row((), head_from_row).optional()?;
        checked_head(&self.key, found)
    }

    /// Appends an entry to `head`, which is the new one then.
    pub(in crate::server::store) fn append(
        &mut self,
        head: &mut Head,
        entry: &AuditEntry,
    ) -> Result<(), StoreError> {
        head.seq = head.seq.saturating_add(1);
        head.mac = self.key.link(&head.mac, head.chain, head.seq, entry);
        let actor = &entry.actor;
        self.insert.statement()?.execute(params![
            head.seq,
            head.chain,
            entry.at,
            entry.room,
            actor.identity,
            actor.participant_id,
            actor.token_id,
            actor.api_key_id,
            actor.peer,
            entry.operation,
            entry.owner,
            entry.secret,
            entry.delegate,
            entry.outcome.as_str(),
            entry.count,
            head.mac,
        ])?;
        Ok(())
    }

    /// Writes the new head.
    pub(in crate::server::store) fn finish(&mut self, head: &Head) -> Result<(), StoreError> {
        let mac = self.key.head_mac(head);
        self.update_head.statement()?.execute(params![
            head.seq,
            head.mac,
            head.pruned_seq,
            head.pruned_mac,
            mac,
            head.chain,
        ])?;
        Ok(())
    }

    /// Appends one entry.
    pub(in crate::server::store) fn append_one(&mut self, entry: &AuditEntry) -> Result<(), StoreError> {
        let mut head = self.begin()?;
        self.append(&mut head, entry)?;
        self.finish(&head)
    }
}

/// The head of the log.
///
/// # Errors
/// [`StoreError::Corrupted`] if it is not what was written.
pub(super) fn read_head(connection: &Connection, key: &ChainKey) -> Result<Head, StoreError> {
    let found = connection.query_row(SELECT_HEAD, (), head_from_row).optional()?;
    checked_head(key, found)
}

pub(super) fn head_from_row(row: &Row<'_>) -> rusqlite::Result<(Head, Vec<u8>)> {
    let head = Head {
        chain: row.get(0)?,
        seq: row.get(1)?,
        mac: row.get(2)?,
        pruned_seq: row.get(3)?,
        pruned_mac: row.get(4)?,
    };
    Ok((head, row.get(5)?))
}

fn checked_head(key: &ChainKey, found: Option<(Head, Vec<u8>)>) -> Result<Head, StoreError> {
    match found {
        Some((head, mac)) if key.is_head(&head, &mac) => Ok(head),
        _ => Err(StoreError::Corrupted(
            "the head of the audit log is not what was written".into(),
        )),
    }
}
