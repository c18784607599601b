//! Who had access to one secret, for its owner.

use rusqlite::params;

use super::entry::RecordedEntry;
use super::rows::recorded;
use crate::server::store::StoreError;
use crate::server::store::connection::Prepared;
use crate::wire::{Identity, RoomName, SecretId};

/// Most entries of the log that are looked at for one page: some milliseconds of work. The log has no index by secret,
/// because each entry would then change a page of the database of its own.
const WINDOW: u64 = 50_000;

/// The newest of the window's entries about a secret.
pub(in crate::server::store) const SELECT: &str =
    "SELECT seq, chain, at, room, identity, participant_id, token_id, api_key_id, peer,
        operation, owner, secret, delegate, outcome, count, mac FROM audit
    WHERE seq < ?1 AND seq >= ?2 AND secret = ?3 AND owner = ?4 AND room = ?5 ORDER BY seq DESC LIMIT ?6";
/// The oldest entry that is left, and the number after the newest.
pub(in crate::server::store) const BOUNDS: &str =
    "SELECT coalesce((SELECT seq FROM audit ORDER BY seq LIMIT 1), 1), (SELECT max(seq) + 1 FROM audit_head)";

/// A question for the accesses to one secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessQuery {
    /// The secret's room.
    pub room: RoomName,
    /// Its owner.
    pub owner: Identity,
    /// Its id. Those that are delegated to others have the same.
    pub id: SecretId,
    /// Only entries with a smaller number. None for the newest.
    pub before: Option<u64>,
    /// Most entries.
    pub limit: usize,
}

/// A page of accesses, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accesses {
    /// The entries, of which there may be none though older ones follow.
    pub entries: Vec<RecordedEntry>,
    /// The `before` of the next page. None if there are no older entries.
    pub next: Option<u64>,
}

/// Looks at a part of the log.
pub(in crate::server::store) fn accesses(
    select: &mut Prepared<'_>,
    bounds: &mut Prepared<'_>,
    query: &AccessQuery,
) -> Result<Accesses, StoreError> {
    let (oldest, end): (u64, u64) = bounds
        .statement()?
        .query_row((), |row| Ok((row.get(0)?, row.get(1)?)))?;
    let before = query.before.unwrap_or(end).min(end);
    let from = before.saturating_sub(WINDOW).max(oldest);
    let mut rows = select.statement()?.query(params![
        before,
        from,
        query.id.as_str(),
        query.owner.as_str(),
        query.room.as_str(),
        i64::try_from(query.limit).unwrap_or(i64::MAX),
    ])?;
    let mut entries = Vec::new();
    let mut last = from;
    let mut found = 0_usize;
    while let Some(row) = rows.next()? {
        found = found.saturating_add(1);
        let seq = row.get(0)?;
        if found >= query.limit {
            last = seq;
        }
        entries.extend(recorded(row)?);
    }
    Ok(Accesses {
        entries,
        next: (last > oldest).then_some(last),
    })
}
