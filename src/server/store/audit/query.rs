//! Queries of the log.

use rusqlite::{Connection, params};

use super::entry::{AuditOutcome, RecordedEntry};
use super::rows::{SELECT, recorded};
use crate::server::store::StoreError;
use crate::server::store::worker::Shared;

/// A query for entries. Every member that is given must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// The room.
    pub room: Option<String>,
    /// The identity that did it.
    pub identity: Option<String>,
    /// The id of the secret.
    pub secret: Option<String>,
    /// The operation.
    pub operation: Option<String>,
    /// The outcome.
    pub outcome: Option<AuditOutcome>,
    /// The first time, in Unix milliseconds.
    pub since: Option<u64>,
    /// The time before which it was, in Unix milliseconds.
    pub until: Option<u64>,
    /// Only entries with a greater number.
    pub after: u64,
    /// Most entries that are found: the last ones.
    pub limit: Option<u64>,
}

/// The entries that the query finds, the oldest first. An entry that cannot be what was written is left out: it is for
/// [`verify`](super::verify) to say so.
pub(super) fn query(shared: &Shared, query: &AuditQuery) -> Result<Vec<RecordedEntry>, StoreError> {
    shared.connections.with(|connection| select(connection, query))
}

fn select(connection: &Connection, query: &AuditQuery) -> Result<Vec<RecordedEntry>, StoreError> {
    let sql = format!(
        "{SELECT} WHERE seq > ?1 AND (?2 IS NULL OR room = ?2) AND (?3 IS NULL OR identity = ?3)
            AND (?4 IS NULL OR secret = ?4) AND (?5 IS NULL OR operation = ?5) AND (?6 IS NULL OR outcome = ?6)
            AND (?7 IS NULL OR at >= ?7) AND (?8 IS NULL OR at < ?8) ORDER BY seq DESC LIMIT ?9"
    );
    let limit = query.limit.and_then(|limit| i64::try_from(limit).ok());
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query(params![
        query.after,
        query.room,
        query.identity,
        query.secret,
        query.operation,
        query.outcome.map(AuditOutcome::as_str),
        query.since,
        query.until,
        limit.unwrap_or(-1),
    ])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.extend(recorded(row)?);
    }
    found.reverse();
    Ok(found)
}
