//! The reading threads: list, read and verify rows.

use std::sync::Arc;

use crossbeam_channel::Receiver;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params};

use super::audit::{self, AccessQuery, Accesses};
use super::connection::Prepared;
use super::keys::StoreKeys;
use super::parts::{PartError, PartReader, PartedValue};
use super::record::delegate_text;
use super::seal::Bound;
use super::worker::Shared;
use super::{
    BoundedRead, DelegatedTo, Found, SecretKey, SecretKind, SecretQuery, SecretRecord, StoreError,
    StoredSecret,
};
use crate::sensitive::SecretValue;
use crate::wire::{Identity, RoomName, SecretId};

/// Every statement gives these first: what is readable of a row, its MAC, and the nonce that the MAC covers.
macro_rules! select_where {
    ($more:expr, $condition:expr) => {
        concat!(
            "SELECT owner, delegated_to, id, kind, type, name, version, written_at, extra, mac, substr(sealed, 1, 24)",
            $more,
            " FROM secret WHERE ",
            $condition
        )
    };
}
/// Selects of one room.
macro_rules! select {
    ($more:expr, $from:expr) => {
        select_where!($more, concat!("room = ?1 AND ", $from))
    };
}

/// Attempts to read what is replaced meanwhile, before one that keeps the write-ahead log as it is.
const READ_ATTEMPTS: u32 = 3;

/// A value that is larger than the limit is not loaded.
const READ: &str = select!(
    ", key_number, CASE WHEN length(sealed) <= ?5 THEN sealed END, length(sealed)",
    "owner = ?2 AND id = ?3 AND delegated_to = ?4"
);
const CONTAINS: &str = select!("", "owner = ?2 AND id = ?3 AND delegated_to = ?4");
/// What a query asks of rows of either kind. The unary plus keeps the index on the range of ids, where a page starts.
macro_rules! find {
    ($whose:literal, $tenth:literal, $order:literal) => {
        select!(
            "",
            concat!(
                $whose,
                " AND id >= ?3 AND id < ?4 AND (+id, +owner, +delegated_to) > (?5, ?6, ?7)
                AND (?8 IS NULL OR type = ?8) AND (?9 IS NULL OR name = ?9) AND (?10 IS NULL OR ",
                $tenth,
                " = ?10) ORDER BY ",
                $order,
                " LIMIT ?11"
            )
        )
    };
}

/// What the viewer owns.
pub(super) const FIND_OWN: &str = find!("owner = ?2", "delegated_to", "id, delegated_to");
/// What others delegated to the viewer.
pub(super) const FIND_DELEGATED: &str = find!(
    "delegated_to = ?2 AND delegated_to <> '' AND owner <> ?2",
    "owner",
    "id, owner"
);

/// The secrets of a room, with their values.
const READ_ROOM: &str = select!(", key_number, sealed", "TRUE");

/// Secrets after `?1` whose key is not `?2`, as [`reseal`](super::reseal) reads them: with the number of the row and
/// its room.
pub(super) const RESEAL: &str = select_where!(
    ", key_number, sealed, number, room",
    "number > ?1 AND key_number <> ?2 ORDER BY number"
);

/// A row that every database has.
const PING: &str = "SELECT commits FROM meta";

/// A job of a reading thread, which sends its result to its caller.
pub(super) type ReadJob = Box<dyn FnOnce(&mut Reader<'_>) + Send>;

/// Runs jobs until the queue is closed and empty.
pub(super) fn run(connection: &Connection, shared: &Shared, jobs: &Receiver<ReadJob>) {
    let prepared = |sql| Prepared::new(connection, sql);
    let mut reader = Reader {
        connection,
        shared,
        keys: shared.keys.present(),
        parts: PartReader::new(connection),
        read: prepared(READ),
        contains: prepared(CONTAINS),
        find_own: prepared(FIND_OWN),
        find_delegated: prepared(FIND_DELEGATED),
        ping: prepared(PING),
        accesses: prepared(audit::SELECT_ACCESSES),
        audit_bounds: prepared(audit::BOUNDS),
    };
    while let Ok(job) = jobs.recv() {
        reader.keys = shared.keys.present();
        job(&mut reader);
    }
}

/// Reads through one connection, whose statements it keeps.
#[derive(Debug)]
pub(super) struct Reader<'c> {
    connection: &'c Connection,
    shared: &'c Shared,
    keys: Arc<StoreKeys>,
    parts: PartReader<'c>,
    read: Prepared<'c>,
    contains: Prepared<'c>,
    find_own: Prepared<'c>,
    find_delegated: Prepared<'c>,
    ping: Prepared<'c>,
    accesses: Prepared<'c>,
    audit_bounds: Prepared<'c>,
}

impl Reader<'_> {
    pub(super) fn find(&mut self, query: &SecretQuery) -> Result<Found, StoreError> {
        let viewer = &query.viewer;
        let mut found = Found::default();
        if query.owner.as_ref().is_none_or(|owner| owner == viewer) {
            let delegate = match &query.delegated_to {
                DelegatedTo::Anyone => None,
                DelegatedTo::Exactly(delegate) => Some(delegate_text(delegate.as_ref())),
            };
            find_rows(&self.keys, &mut self.find_own, query, delegate, &mut found)?;
        }
        let to_viewer = match &query.delegated_to {
            DelegatedTo::Anyone => true,
            DelegatedTo::Exactly(delegate) => delegate.as_ref() == Some(viewer),
        };
        if to_viewer && query.owner.as_ref() != Some(viewer) {
            let owner = query.owner.as_ref().map(Identity::as_str);
            find_rows(&self.keys, &mut self.find_delegated, query, owner, &mut found)?;
        }
        found.secrets.sort_by(|a, b| place(a).cmp(&place(b)));
        if let Some(limit) = query.limit {
            found.more = found.secrets.len() > limit;
            found.secrets.truncate(limit);
        }
        Ok(found)
    }

    pub(super) fn read(
        &mut self,
        key: &SecretKey,
    ) -> Result<Option<(SecretRecord, SecretValue)>, StoreError> {
        match self.read_up_to(key, usize::MAX)? {
            Some(BoundedRead::Whole(record, value)) => Ok(Some((record, value))),
            Some(BoundedRead::Larger(_)) | None => Ok(None),
        }
    }

    pub(super) fn read_up_to(
        &mut self,
        key: &SecretKey,
        limit: usize,
    ) -> Result<Option<BoundedRead>, StoreError> {
        for _ in 0..READ_ATTEMPTS {
            if let Attempt::Done(read) = self.try_read(key, limit)? {
                return Ok(read);
            }
        }
        // One snapshot of the database, in which nothing is replaced.
        let _snapshot = self.connection.unchecked_transaction()?;
        match self.try_read(key, limit)? {
            Attempt::Done(read) => Ok(read),
            Attempt::Changed => Err(damaged(key)),
        }
    }

    fn try_read(&mut self, key: &SecretKey, limit: usize) -> Result<Attempt, StoreError> {
        let (record, parts) = match self.read_row(key, limit)? {
            RowRead::Whole(read) => return Ok(Attempt::Done(read)),
            RowRead::InParts(_, parts) if parts.memory() > limit => {
                return Ok(Attempt::Done(Some(BoundedRead::Larger(parts.memory()))));
            }
            RowRead::InParts(record, parts) => (record, parts),
            RowRead::UnknownKey => return self.reload_keys(),
        };
        match self.parts.read(&self.keys, &parts) {
            Ok(value) => Ok(Attempt::Done(Some(BoundedRead::Whole(record, value)))),
            Err(PartError::Missing) => Ok(Attempt::Changed),
            Err(PartError::UnknownKey) => self.reload_keys(),
            Err(PartError::Damaged) => Err(damaged(key)),
            Err(PartError::Store(error)) => Err(error),
        }
    }

    /// Another process has changed the store keys: the row as it is now has one of the present keys.
    fn reload_keys(&mut self) -> Result<Attempt, StoreError> {
        self.keys = self.shared.keys.reload(self.connection)?;
        Ok(Attempt::Changed)
    }

    fn read_row(&mut self, key: &SecretKey, limit: usize) -> Result<RowRead, StoreError> {
        let keys = &*self.keys;
        let mut rows = self.read.statement()?.query((
            key.room.as_str(),
            key.owner.as_str(),
            key.id.as_str(),
            key.delegate_text(),
            // The sealed value and the value are in memory at the same time.
            i64::try_from(limit / 2).unwrap_or(i64::MAX),
        ))?;
        let Some(row) = rows.next()? else {
            return Ok(RowRead::Whole(None));
        };
        let StoredSecret { record, .. } = stored(keys, &key.room, row)?;
        if let Ok(bytes) = row.get::<_, i64>(13) {
            let memory = usize::try_from(bytes).unwrap_or(0).saturating_mul(2);
            if memory > limit {
                return Ok(RowRead::Whole(Some(BoundedRead::Larger(memory))));
            }
        }
        if !keys.has(row.get(11)?) {
            return Ok(RowRead::UnknownKey);
        }
        match open(keys, &record, row) {
            Ok(Some(value)) => Ok(match parted(row)? {
                Some(parts) => RowRead::InParts(record, parts),
                None => RowRead::Whole(Some(BoundedRead::Whole(record, value))),
            }),
            Ok(None) | Err(StoreError::Corrupted(_)) => Err(damaged(key)),
            Err(error) => Err(error),
        }
    }

    pub(super) fn ping(&mut self) -> Result<(), StoreError> {
        Ok(self.ping.statement()?.query_row((), |_| Ok(()))?)
    }

    pub(super) fn accesses(&mut self, query: &AccessQuery) -> Result<Accesses, StoreError> {
        audit::accesses(&mut self.accesses, &mut self.audit_bounds, query)
    }

    pub(super) fn contains(&mut self, key: &SecretKey) -> Result<bool, StoreError> {
        let mut rows = self.contains.statement()?.query((
            key.room.as_str(),
            key.owner.as_str(),
            key.id.as_str(),
            key.delegate_text(),
        ))?;
        match rows.next()? {
            Some(row) => stored(&self.keys, &key.room, row).map(|_| true),
            None => Ok(false),
        }
    }
}

/// What one attempt to read a secret gave.
enum Attempt {
    Done(Option<BoundedRead>),
    /// It may have been replaced, or sealed anew, since its row was read.
    Changed,
}

/// What a secret's row gave.
enum RowRead {
    Whole(Option<BoundedRead>),
    /// The value has to be read from its parts.
    InParts(SecretRecord, PartedValue),
    /// Its store key is not among those that were read.
    UnknownKey,
}

fn damaged(key: &SecretKey) -> StoreError {
    StoreError::Damaged {
        room: key.room.clone(),
        id: key.id.clone(),
    }
}

/// A secret's [`ListPosition`](super::ListPosition), borrowed.
fn place(secret: &StoredSecret) -> (&str, &str, Option<&Identity>) {
    let key = &secret.record.key;
    (key.id.as_str(), key.owner.as_str(), key.delegated_to.as_ref())
}

/// Adds the rows of `statement` that match. `tenth` is what its last condition compares with. One row more than the
/// limit tells that there are more.
fn find_rows(
    keys: &StoreKeys,
    statement: &mut Prepared<'_>,
    query: &SecretQuery,
    tenth: Option<&str>,
    found: &mut Found,
) -> Result<(), StoreError> {
    let after = query.after.as_ref();
    let (from, end) = id_range(query);
    let limit = query
        .limit
        .map_or(-1, |limit| i64::try_from(limit.saturating_add(1)).unwrap_or(-1));
    let mut rows = statement.statement()?.query(params![
        query.room.as_str(),
        query.viewer.as_str(),
        from,
        end,
        after.map_or("", |after| after.id.as_str()),
        after.map_or("", |after| after.owner.as_str()),
        delegate_text(after.and_then(|after| after.delegated_to.as_ref())),
        query.secret_type,
        query.name,
        tenth,
        limit,
    ])?;
    while let Some(row) = rows.next()? {
        match stored(keys, &query.room, row) {
            Ok(secret) => found.secrets.push(secret),
            Err(error) if error.is_damage() => drop(found.damage.get_or_insert(error)),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The ids that can match: from the first on, and less than the second. SQLite compares text byte by byte, and takes
/// any text for less than a blob (datatype3, section 4.1).
fn id_range(query: &SecretQuery) -> (String, Value) {
    if let Some(id) = &query.id {
        // No id has a control character: this is the least text that is more.
        return (id.to_string(), Value::Text(format!("{id}\0")));
    }
    let mut from = query.prefix.clone();
    if let Some(after) = &query.after
        && after.id.as_str() > from.as_str()
    {
        from = after.id.to_string();
    }
    let end = prefix_end(&query.prefix).map_or_else(|| Value::Blob(Vec::new()), Value::Text);
    (from, end)
}

/// The least text that is more than every text that starts with `prefix`; none if there is no such text.
fn prefix_end(prefix: &str) -> Option<String> {
    let mut characters: Vec<char> = prefix.chars().collect();
    while let Some(last) = characters.pop() {
        if let Some(next) = (last..=char::MAX).nth(1) {
            characters.push(next);
            return Some(characters.into_iter().collect());
        }
    }
    None
}

/// Opens every secret of `room`, and drops the values.
///
/// # Errors
/// The first row that is not as it was written.
pub(super) fn open_room(
    connection: &Connection,
    keys: &StoreKeys,
    room: &RoomName,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare(READ_ROOM)?;
    let mut parts = PartReader::new(connection);
    let mut rows = statement.query([room.as_str()])?;
    while let Some(row) = rows.next()? {
        let StoredSecret { record, .. } = stored(keys, room, row)?;
        open(keys, &record, row)?.ok_or_else(|| damaged(&record.key))?;
        if let Some(value) = parted(row)? {
            parts.read(keys, &value).map_err(|error| match error {
                PartError::Missing | PartError::UnknownKey | PartError::Damaged => damaged(&record.key),
                PartError::Store(error) => error,
            })?;
        }
    }
    Ok(())
}

/// The secret, the `extra` column and the value in a row of [`RESEAL`]; none if the value does not open.
///
/// # Errors
/// Those of a row that is not as it was written.
pub(super) fn reseal_row(
    keys: &StoreKeys,
    row: &Row<'_>,
) -> Result<Option<(StoredSecret, Vec<u8>, SecretValue)>, StoreError> {
    let room = row.get_ref(14)?.as_str().map_err(rusqlite::Error::from)?;
    let room = RoomName::new(room)
        .map_err(|_| StoreError::Corrupted("the name of a room is not readable".into()))?;
    let secret = stored(keys, &room, row)?;
    let value = open(keys, &secret.record, row)?;
    let extra = row.get(8)?;
    Ok(value.map(|value| (secret, extra, value)))
}

/// The value in a row of [`READ`] or [`READ_ROOM`], which is empty if it is stored in parts, or none if it is not as it
/// was written. It is decrypted straight out of the database's buffer.
fn open(keys: &StoreKeys, record: &SecretRecord, row: &Row<'_>) -> Result<Option<SecretValue>, StoreError> {
    let Ok(sealed) = row.get_ref(12)?.as_blob() else {
        return Ok(None);
    };
    Ok(keys.open(
        row.get(11)?,
        |number, database| Bound::secret(number, database, record),
        sealed,
    ))
}

/// The parts that the value in a row is stored in, if it is.
fn parted(row: &Row<'_>) -> Result<Option<PartedValue>, StoreError> {
    let extra = row.get_ref(8)?.as_blob().map_err(rusqlite::Error::from)?;
    Ok(PartedValue::decode(extra))
}

/// The secret in a row of `room`, without its value.
///
/// # Errors
/// [`StoreError::Damaged`] if the row is not as it was written.
fn stored(keys: &StoreKeys, room: &RoomName, row: &Row<'_>) -> Result<StoredSecret, StoreError> {
    let text = |column| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
    let bytes = |column| row.get_ref(column)?.as_blob().map_err(rusqlite::Error::from);
    let [owner, delegate, id] = [text(0)?, text(1)?, text(2)?];
    let unreadable = || StoreError::Corrupted(format!("a secret in room {room} is not readable"));
    let key = secret_key([room.as_str(), owner, id, delegate]).ok_or_else(unreadable)?;
    let damaged = || StoreError::Damaged {
        room: key.room.clone(),
        id: key.id.clone(),
    };
    let secret = StoredSecret {
        version: row.get(6)?,
        written_at: row.get(7)?,
        record: SecretRecord {
            key: key.clone(),
            kind: SecretKind::parse(text(3)?).ok_or_else(damaged)?,
            secret_type: text(4)?.to_owned(),
            name: text(5)?.to_owned(),
        },
    };
    let extra = bytes(8)?;
    // A part of an empty value is null.
    let nonce = row
        .get_ref(10)?
        .as_blob_or_null()
        .map_err(rusqlite::Error::from)?;
    if !keys.is_row(&secret, extra, nonce.unwrap_or_default(), bytes(9)?) {
        return Err(damaged());
    }
    if !extra.is_empty() && PartedValue::decode(extra).is_none() {
        return Err(StoreError::NewerSecret {
            room: key.room,
            id: key.id,
        });
    }
    Ok(secret)
}

/// The key of a row with this room, owner, id and delegate; none if they are no names.
pub(super) fn secret_key([room, owner, id, delegate]: [&str; 4]) -> Option<SecretKey> {
    let delegated_to = match delegate {
        "" => None,
        _ => Some(Identity::new(delegate).ok()?),
    };
    Some(SecretKey {
        room: RoomName::new(room).ok()?,
        owner: Identity::new(owner).ok()?,
        delegated_to,
        id: SecretId::new(id).ok()?,
    })
}
