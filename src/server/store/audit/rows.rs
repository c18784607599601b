//! Reads rows of the log.

use std::sync::Arc;

use rusqlite::Row;

use super::entry::{Actor, AuditEntry, AuditOutcome, RecordedEntry};

/// Selects what [`recorded`] reads.
pub(in crate::server::store) const SELECT: &str =
    "SELECT seq, chain, at, room, identity, participant_id, token_id, api_key_id, peer,
        operation, owner, secret, delegate, outcome, count, mac FROM audit";

/// The entry in a row of [`SELECT`]. None if the row cannot be what was written.
pub(in crate::server::store) fn recorded(row: &Row<'_>) -> rusqlite::Result<Option<RecordedEntry>> {
    match read(row) {
        // A column of another type, text that is not UTF-8, a number that is negative.
        Err(error) if error.sqlite_error_code().is_none() => Ok(None),
        read => read,
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Option<RecordedEntry>> {
    let outcome: String = row.get(13)?;
    let Some(outcome) = AuditOutcome::parse(&outcome) else {
        return Ok(None);
    };
    Ok(Some(RecordedEntry {
        seq: row.get(0)?,
        chain: row.get(1)?,
        entry: AuditEntry {
            at: row.get(2)?,
            room: row.get(3)?,
            actor: Arc::new(Actor {
                identity: row.get(4)?,
                participant_id: row.get(5)?,
                token_id: row.get(6)?,
                api_key_id: row.get(7)?,
                peer: row.get(8)?,
            }),
            operation: row.get::<_, String>(9)?.into(),
            owner: row.get(10)?,
            secret: row.get(11)?,
            delegate: row.get(12)?,
            outcome,
            count: row.get(14)?,
        },
        mac: row.get(15)?,
    }))
}
