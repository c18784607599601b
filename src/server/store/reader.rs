//! The one that reads.

use std::sync::mpsc::Receiver;

use rusqlite::{Connection, OptionalExtension as _, Row};

use super::connection::Prepared;
use super::keys::StoreKeys;
use super::seal::Bound;
use super::{DelegatedTo, Reading, SecretKey, SecretKind, SecretQuery, SecretRecord, StoreError};
use crate::sensitive::SecretValue;
use crate::wire::{Identity, RoomName, SecretId};

/// A value that is larger than the limit is not loaded.
const READ: &str = "SELECT kind, type, name, key_number, CASE WHEN length(sealed) <= ?5 THEN sealed END,
        length(sealed)
    FROM secret WHERE room = ?1 AND owner = ?2 AND id = ?3 AND delegated_to = ?4";
const CONTAINS: &str = "SELECT 1 FROM secret WHERE room = ? AND owner = ? AND id = ? AND delegated_to = ?";
/// Both halves use an index; a secret that is both owned and delegated to the viewer is in the first.
pub(super) const FIND: &str = "SELECT owner, delegated_to, id, kind, type, name FROM secret
    WHERE room = ?1 AND owner = ?2
        AND (?3 IS NULL OR type = ?3) AND (?4 IS NULL OR name = ?4) AND (?5 IS NULL OR delegated_to = ?5)
    UNION ALL SELECT owner, delegated_to, id, kind, type, name FROM secret
    WHERE room = ?1 AND delegated_to = ?2 AND delegated_to <> '' AND owner <> ?2
        AND (?3 IS NULL OR type = ?3) AND (?4 IS NULL OR name = ?4) AND (?5 IS NULL OR delegated_to = ?5)";
/// The same for one id.
pub(super) const FIND_ID: &str = "SELECT owner, delegated_to, id, kind, type, name FROM secret
    WHERE room = ?1 AND owner = ?2 AND id = ?6
        AND (?3 IS NULL OR type = ?3) AND (?4 IS NULL OR name = ?4) AND (?5 IS NULL OR delegated_to = ?5)
    UNION ALL SELECT owner, delegated_to, id, kind, type, name FROM secret
    WHERE room = ?1 AND delegated_to = ?2 AND delegated_to <> '' AND owner <> ?2 AND id = ?6
        AND (?3 IS NULL OR type = ?3) AND (?4 IS NULL OR name = ?4) AND (?5 IS NULL OR delegated_to = ?5)";

/// A question, which answers whoever asked it.
pub(super) type Question = Box<dyn FnOnce(&mut Reader<'_>) + Send>;

/// Answers questions until there are no more.
pub(super) fn run(connection: &Connection, keys: &StoreKeys, questions: &Receiver<Question>) {
    let prepared = |sql| Prepared::new(connection, sql);
    let mut reader = Reader {
        keys,
        read: prepared(READ),
        contains: prepared(CONTAINS),
        find: prepared(FIND),
        find_id: prepared(FIND_ID),
    };
    while let Ok(question) = questions.recv() {
        question(&mut reader);
    }
}

/// Reads from a connection.
#[derive(Debug)]
pub(super) struct Reader<'c> {
    keys: &'c StoreKeys,
    read: Prepared<'c>,
    contains: Prepared<'c>,
    find: Prepared<'c>,
    find_id: Prepared<'c>,
}

impl Reader<'_> {
    pub(super) fn find(&mut self, query: &SecretQuery) -> Result<Vec<SecretRecord>, StoreError> {
        let delegate = match &query.delegated_to {
            DelegatedTo::Anyone => None,
            DelegatedTo::Exactly(delegate) => Some(delegate.as_ref().map_or("", Identity::as_str)),
        };
        let (room, viewer) = (query.room.as_str(), query.viewer.as_str());
        let (secret_type, name) = (&query.secret_type, &query.name);
        let mut rows = match &query.id {
            Some(id) => {
                self.find_id
                    .statement()?
                    .query((room, viewer, secret_type, name, delegate, id.as_str()))?
            }
            None => self
                .find
                .statement()?
                .query((room, viewer, secret_type, name, delegate))?,
        };
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(record(&query.room, row)?);
        }
        let order = |record: &SecretRecord| {
            let key = &record.key;
            (key.id.clone(), key.owner.clone(), key.delegated_to.clone())
        };
        found.sort_by_cached_key(order);
        Ok(found)
    }

    pub(super) fn read(&mut self, key: SecretKey) -> Result<Option<(SecretRecord, SecretValue)>, StoreError> {
        match self.read_up_to(key, usize::MAX)? {
            Some(Reading::Whole(record, value)) => Ok(Some((record, value))),
            Some(Reading::Larger(_)) | None => Ok(None),
        }
    }

    pub(super) fn read_up_to(&mut self, key: SecretKey, limit: usize) -> Result<Option<Reading>, StoreError> {
        let keys = self.keys;
        let mut rows = self.read.statement()?.query((
            key.room.as_str(),
            key.owner.as_str(),
            key.id.as_str(),
            key.delegate_text(),
            i64::try_from(limit).unwrap_or(i64::MAX),
        ))?;
        let Some(row) = rows.next()? else { return Ok(None) };
        if let Ok(bytes) = row
            .get::<_, i64>(5)
            .map(|bytes| usize::try_from(bytes).unwrap_or(0))
            && bytes > limit
        {
            return Ok(Some(Reading::Larger(bytes)));
        }
        let damaged = StoreError::Damaged {
            room: key.room.clone(),
            id: key.id.clone(),
        };
        match open(keys, key, row) {
            Ok(Some((record, value))) => Ok(Some(Reading::Whole(record, value))),
            Ok(None) | Err(StoreError::Corrupted(_)) => Err(damaged),
            Err(error) => Err(error),
        }
    }

    pub(super) fn contains(&mut self, key: &SecretKey) -> Result<bool, StoreError> {
        let key = (
            key.room.as_str(),
            key.owner.as_str(),
            key.id.as_str(),
            key.delegate_text(),
        );
        Ok(self
            .contains
            .statement()?
            .query_row(key, |_| Ok(()))
            .optional()?
            .is_some())
    }
}

/// The secret in `row`, or none if the row is not as it was written. The value is decrypted straight
/// out of the database's buffer.
fn open(
    keys: &StoreKeys,
    key: SecretKey,
    row: &Row<'_>,
) -> Result<Option<(SecretRecord, SecretValue)>, StoreError> {
    let Some(kind) = SecretKind::parse(row.get_ref(0)?.as_str().unwrap_or_default()) else {
        return Ok(None);
    };
    let record = SecretRecord {
        key,
        kind,
        secret_type: row.get(1)?,
        name: row.get(2)?,
    };
    let Ok(sealed) = row.get_ref(4)?.as_blob() else {
        return Ok(None);
    };
    let value = keys.open(
        row.get(3)?,
        |number, database| Bound::secret(number, database, &record),
        sealed,
    );
    Ok(value.map(|value| (record, value)))
}

fn record(room: &RoomName, row: &Row<'_>) -> Result<SecretRecord, StoreError> {
    let unreadable = || StoreError::Corrupted(format!("a secret in room {room} is not readable"));
    let delegate: String = row.get(1)?;
    let delegated_to = match delegate.as_str() {
        "" => None,
        _ => Some(Identity::new(delegate).map_err(|_| unreadable())?),
    };
    Ok(SecretRecord {
        key: SecretKey {
            room: room.clone(),
            owner: Identity::new(row.get::<_, String>(0)?).map_err(|_| unreadable())?,
            delegated_to,
            id: SecretId::new(row.get::<_, String>(2)?).map_err(|_| unreadable())?,
        },
        kind: SecretKind::parse(row.get_ref(3)?.as_str().unwrap_or_default()).ok_or_else(unreadable)?,
        secret_type: row.get(4)?,
        name: row.get(5)?,
    })
}
