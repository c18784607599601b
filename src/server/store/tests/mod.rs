mod audit;
mod calls;
mod durable;
mod gone;
mod key_ring;
mod killed;
mod limits;
mod lists;
mod migration;
mod parts;
mod rekey;
mod rotation;
mod tamper;

use std::path::Path;

use rusqlite::Connection;

use super::sqlite::DATABASE;
use super::*;
use crate::sensitive::SensitiveText;
use crate::server::data_dir::{DataDir, LocalAccess};
use crate::wire::{Identity, RoomName, SecretId};

const CANARY: &[u8] = b"canary-in-the-coal-mine";

fn directory(path: &Path) -> DataDir {
    match DataDir::open_local(path).unwrap() {
        LocalAccess::Here(directory) => directory,
        LocalAccess::Served(_) => unreachable!(),
    }
}

fn open_with(path: &Path, source: &KeySource) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(&directory(path), source)
}

fn open(path: &Path) -> SqliteStore {
    open_with(path, &KeySource::Default).unwrap()
}

fn raw(path: &Path, sql: &str) {
    Connection::open(path.join(DATABASE))
        .unwrap()
        .execute_batch(sql)
        .unwrap();
}

fn identity(name: &str) -> Identity {
    Identity::new(name).unwrap()
}

fn key(owner: &str, delegate: Option<&str>, id: &str) -> SecretKey {
    SecretKey {
        room: RoomName::new("room").unwrap(),
        owner: identity(owner),
        delegated_to: delegate.map(identity),
        id: SecretId::new(id).unwrap(),
    }
}

fn record(key: SecretKey) -> SecretRecord {
    let name = format!("name of {}", key.id);
    SecretRecord {
        key,
        kind: SecretKind::Stored,
        secret_type: "text/plain".into(),
        name,
    }
}

fn entry() -> AuditEntry {
    AuditEntry::of_server("test")
}

fn mine(id: &str) -> SecretRecord {
    record(key("alice", None, id))
}

async fn put(store: &SqliteStore, record: SecretRecord, value: &[u8]) {
    store.write(record, value.to_vec().into(), entry()).await.unwrap();
}

/// A directory whose database holds the secrets `one` and `two` of alice.
async fn filled() -> tempfile::TempDir {
    let path = tempfile::tempdir().unwrap();
    let store = open(path.path());
    put(&store, mine("one"), CANARY).await;
    put(&store, mine("two"), b"other value").await;
    store.close().await.unwrap();
    path
}

/// What each owner has: by the counts, and by the rows.
fn counts(path: &Path) -> [Vec<(String, String, i64, i64)>; 2] {
    let connection = Connection::open(path.join(DATABASE)).unwrap();
    let counted = "SELECT owner, '', secrets, bytes FROM owner_usage UNION ALL
        SELECT owner, delegated_to, secrets, 0 FROM delegated_usage ORDER BY 1, 2";
    let rows = "SELECT owner, '', count(*), sum(length(sealed)) FROM secret GROUP BY owner UNION ALL
        SELECT owner, delegated_to, count(*), 0 FROM secret WHERE delegated_to <> '' GROUP BY 1, 2 ORDER BY 1, 2";
    [counted, rows].map(|sql| {
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)));
        rows.unwrap().collect::<Result<_, _>>().unwrap()
    })
}
