//! The tables of the database, in its present format.

/// `PRAGMA application_id`: `MAst`.
pub(super) const APPLICATION_ID: i64 = 0x4d41_7374;
/// `PRAGMA user_version`: the format of the tables.
pub(super) const FORMAT: i64 = 7;
/// Marks the database as one of this program.
pub(super) const MAGIC: &str = "meshagent store";

/// The database as a whole, its store keys, and `setting`, where format 3 had the server's API key until it moves to
/// `api_key`. `commits` counts the transactions.
pub(super) const META_TABLE: &str = "
    CREATE TABLE meta (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        magic TEXT NOT NULL,
        database_id BLOB NOT NULL,
        created_at INTEGER NOT NULL,
        commits INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE store_key (
        number INTEGER PRIMARY KEY,
        current INTEGER NOT NULL CHECK (current IN (0, 1)),
        created_at INTEGER NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX store_key_current ON store_key (current) WHERE current = 1;
    CREATE TABLE setting (
        name TEXT PRIMARY KEY NOT NULL,
        key_number INTEGER NOT NULL REFERENCES store_key (number),
        sealed BLOB NOT NULL
    ) STRICT;";

/// The sources of the key-encryption keys, by slot, and the keys that are wrapped under them. There are two slots
/// only while the key source changes.
pub(super) const KEY_TABLES: &str = "
    CREATE TABLE kek_slot (
        slot INTEGER PRIMARY KEY,
        created_at INTEGER NOT NULL,
        key_source TEXT NOT NULL,
        kdf_memory INTEGER, kdf_passes INTEGER, kdf_lanes INTEGER, kdf_salt BLOB
    ) STRICT;
    CREATE TABLE wrapped_key (
        slot INTEGER NOT NULL REFERENCES kek_slot (slot),
        purpose TEXT NOT NULL,
        number INTEGER NOT NULL,
        wrapped BLOB NOT NULL,
        PRIMARY KEY (slot, purpose, number)
    ) STRICT;";

/// The secrets. `extra` is empty, or names the [parts](super::parts) of a large value; a row where it is something else
/// was written by a newer version, and is not read by this one. `mac` covers the readable columns and the nonce that `sealed` starts with. `sealed` is the last column, because
/// SQLite has to read a large value to reach the columns after it.
pub(super) const SECRET_TABLE: &str = "
    CREATE TABLE secret (
        number INTEGER PRIMARY KEY,
        room TEXT NOT NULL, owner TEXT NOT NULL, id TEXT NOT NULL, delegated_to TEXT NOT NULL,
        kind TEXT NOT NULL, type TEXT NOT NULL, name TEXT NOT NULL,
        version INTEGER NOT NULL,
        written_at INTEGER,
        extra BLOB NOT NULL DEFAULT x'',
        mac BLOB NOT NULL,
        key_number INTEGER NOT NULL REFERENCES store_key (number),
        sealed BLOB NOT NULL,
        UNIQUE (room, owner, id, delegated_to)
    ) STRICT;
    CREATE INDEX secret_delegated ON secret (room, delegated_to, id) WHERE delegated_to <> '';";
