//! The rows of the server's API keys. The key itself is sealed, and bound to its id, its name and its time. Which key
//! is the current one is not authenticated: it only says which of the live keys `client.env` names.

use rusqlite::{Connection, Transaction};
use uuid::Uuid;

use super::keys::StoreKeys;
use super::seal::Bound;
use super::{StoreError, settings};
use crate::sensitive::SecretValue;
use crate::token::ApiKey;

/// The tables of format 4: see [`revocations`](super::revocations) for the second. A server applies the changes up to
/// `version`, and writes that into `applied`.
pub(super) const TABLES: &str = "
    CREATE TABLE api_key (
        id TEXT PRIMARY KEY NOT NULL,
        name TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        current INTEGER NOT NULL CHECK (current IN (0, 1)),
        key_number INTEGER NOT NULL REFERENCES store_key (number),
        sealed BLOB NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX api_key_current ON api_key (current) WHERE current = 1;
    CREATE TABLE revoked (
        kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        revoked_at INTEGER NOT NULL,
        expires_at INTEGER,
        mac BLOB NOT NULL,
        PRIMARY KEY (kind, subject)
    ) STRICT;
    CREATE TABLE key_ring (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        version INTEGER NOT NULL,
        applied INTEGER NOT NULL
    ) STRICT;
    INSERT INTO key_ring VALUES (1, 1, 0);";

/// Name of the setting that held the only API key before there was a table of them.
const FORMER_SETTING: &str = "api_key";

/// An API key that the store holds.
#[derive(Debug, Clone)]
pub struct StoredApiKey {
    /// The key.
    pub key: ApiKey,
    /// What its owner calls it. May be empty.
    pub name: String,
    /// When it was stored, in Unix seconds.
    pub created_at: u64,
    /// Whether it is the one that `client.env` names.
    pub current: bool,
}

/// All keys, the oldest first.
pub(super) fn select(connection: &Connection, keys: &StoreKeys) -> Result<Vec<StoredApiKey>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT id, name, created_at, current, key_number, sealed FROM api_key ORDER BY created_at, rowid",
    )?;
    let mut rows = statement.query(())?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, name): (String, String) = (row.get(0)?, row.get(1)?);
        let created_at = row.get(2)?;
        let text = keys.open(
            row.get(4)?,
            |key, database| Bound::api_key(key, database, &id, &name, created_at),
            row.get_ref(5)?.as_blob().map_err(rusqlite::Error::from)?,
        );
        let key = text.as_ref().and_then(parse);
        let key =
            key.ok_or_else(|| StoreError::Corrupted("an API key is not what was written".to_owned()))?;
        found.push(StoredApiKey {
            key,
            name,
            created_at,
            current: row.get(3)?,
        });
    }
    Ok(found)
}

/// Stores a key. If it is to be the current one, no other stays so.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    keys: &StoreKeys,
    stored: &StoredApiKey,
) -> Result<(), StoreError> {
    if stored.current {
        transaction.execute("UPDATE api_key SET current = 0", ())?;
    }
    let id = stored.key.id().to_string();
    let text = SecretValue::new(stored.key.text().expose().as_bytes().to_vec());
    let bound = |key, database: &_| Bound::api_key(key, database, &id, &stored.name, stored.created_at);
    let (number, sealed) = keys.seal(bound, &text)?;
    transaction.execute(
        "INSERT INTO api_key (id, name, created_at, current, key_number, sealed) VALUES (?, ?, ?, ?, ?, ?)",
        (
            &id,
            &stored.name,
            stored.created_at,
            stored.current,
            number,
            sealed,
        ),
    )?;
    Ok(())
}

/// Deletes a key. The newest of the others becomes the current one if there is none now.
pub(super) fn delete(transaction: &Transaction<'_>, id: Uuid) -> Result<(), StoreError> {
    transaction.execute("DELETE FROM api_key WHERE id = ?", [id.to_string()])?;
    transaction.execute(
        "UPDATE api_key SET current = 1
            WHERE NOT EXISTS (SELECT 1 FROM api_key WHERE current = 1)
            AND id = (SELECT id FROM api_key ORDER BY created_at DESC, rowid DESC LIMIT 1)",
        (),
    )?;
    Ok(())
}

/// Takes the only API key of an older database out of its setting, if there is one.
pub(super) fn take_former(
    transaction: &Transaction<'_>,
    keys: &StoreKeys,
) -> Result<Option<ApiKey>, StoreError> {
    let Some(text) = settings::take(transaction, keys, FORMER_SETTING)? else {
        return Ok(None);
    };
    match parse(&text) {
        Some(key) => Ok(Some(key)),
        None => Err(StoreError::Corrupted(
            "the server's API key cannot be read".to_owned(),
        )),
    }
}

fn parse(text: &SecretValue) -> Option<ApiKey> {
    ApiKey::parse(std::str::from_utf8(text.expose()).ok()?).ok()
}
