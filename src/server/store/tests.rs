use std::path::Path;
use std::sync::Arc;

use futures_util::future::join_all;
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

fn mine(id: &str) -> SecretRecord {
    record(key("alice", None, id))
}

async fn put(store: &SqliteStore, record: SecretRecord, value: &[u8]) {
    store.write(record, value.to_vec().into()).await.unwrap();
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

#[tokio::test]
async fn values_of_every_size_come_back() {
    let path = tempfile::tempdir().unwrap();
    let store = open(path.path());
    for (id, length) in [("none", 0), ("one", 1), ("page", 5000), ("large", 1 << 20)] {
        let value: Vec<u8> = (0..=255).cycle().take(length).collect();
        put(&store, mine(id), &value).await;
        let (found, read) = store.read(mine(id).key).await.unwrap().unwrap();
        assert_eq!((found, read.expose()), (mine(id), &value));
    }
    store.close().await.unwrap();
    let store = open(path.path());
    let (_, read) = store.read(mine("large").key).await.unwrap().unwrap();
    assert_eq!(read.expose().len(), 1 << 20);
}

#[tokio::test]
async fn writing_again_replaces_everything_and_deleting_removes() {
    let path = filled().await;
    let store = open(path.path());
    let new = SecretRecord {
        secret_type: "b".into(),
        name: "c".into(),
        kind: SecretKind::OAuth,
        ..mine("one")
    };
    put(&store, new.clone(), b"new").await;
    let (found, value) = store.read(new.key.clone()).await.unwrap().unwrap();
    assert_eq!((found, value.expose().as_slice()), (new.clone(), &b"new"[..]));
    assert!(store.contains(new.key.clone()).await.unwrap());
    assert!(store.delete(new.key.clone()).await.unwrap());
    assert!(!store.delete(new.key.clone()).await.unwrap());
    assert!(!store.contains(new.key.clone()).await.unwrap());
    assert!(store.read(new.key).await.unwrap().is_none());
}

#[tokio::test]
async fn a_viewer_finds_its_own_and_what_is_delegated_to_it() {
    let path = tempfile::tempdir().unwrap();
    let store = open(path.path());
    for (owner, delegate, id) in [
        ("bob", None, "hidden"),
        ("bob", Some("alice"), "b"),
        ("alice", Some("bob"), "a"),
        ("alice", None, "a"),
        ("alice", Some("alice"), "c"),
        ("bob", Some("carol"), "hidden"),
    ] {
        put(&store, record(key(owner, delegate, id)), b"x").await;
    }
    let query = |id: Option<&str>, name: Option<&str>, delegated_to| SecretQuery {
        room: RoomName::new("room").unwrap(),
        viewer: identity("alice"),
        id: id.map(|id| SecretId::new(id).unwrap()),
        secret_type: None,
        name: name.map(Into::into),
        delegated_to,
    };
    let find = async |query| {
        let found = store.find(query).await.unwrap();
        found.into_iter().map(|record| record.key).collect::<Vec<_>>()
    };
    let (plain, lent) = (key("alice", None, "a"), key("alice", Some("bob"), "a"));
    let (got, own) = (key("bob", Some("alice"), "b"), key("alice", Some("alice"), "c"));
    let anyone = || DelegatedTo::Anyone;
    assert_eq!(
        find(query(None, None, anyone())).await,
        [plain.clone(), lent.clone(), got.clone(), own.clone()]
    );
    assert_eq!(
        find(query(Some("a"), None, anyone())).await,
        [plain.clone(), lent]
    );
    assert_eq!(find(query(Some("b"), None, anyone())).await, [got.clone()]);
    assert_eq!(find(query(Some("hidden"), None, anyone())).await, []);
    assert_eq!(
        find(query(None, Some("name of b"), anyone())).await,
        [got.clone()]
    );
    assert_eq!(find(query(None, None, DelegatedTo::Exactly(None))).await, [plain]);
    assert_eq!(
        find(query(None, None, DelegatedTo::Exactly(Some(identity("alice"))))).await,
        [got, own]
    );
    let other = SecretQuery {
        room: RoomName::new("other").unwrap(),
        ..query(None, None, anyone())
    };
    assert_eq!(find(other).await, []);
}

#[test]
fn every_lookup_uses_an_index() {
    let path = tempfile::tempdir().unwrap();
    drop(open(path.path()));
    let connection = Connection::open(path.path().join(DATABASE)).unwrap();
    for (sql, terms) in [(reader::FIND, 2), (reader::FIND_ID, 3)] {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let mut rows = statement.raw_query();
        let mut searches = 0;
        while let Some(row) = rows.next().unwrap() {
            let step: String = row.get(3).unwrap();
            assert!(!step.starts_with("SCAN"), "{step}");
            if step.starts_with("SEARCH") {
                searches += 1;
                assert_eq!(step.matches("=?").count(), terms, "{step}");
            }
        }
        assert_eq!(searches, 2);
    }
    let version: String = connection
        .query_row("SELECT sqlite_version()", (), |row| row.get(0))
        .unwrap();
    let version: Vec<u32> = version.split('.').map(|part| part.parse().unwrap()).collect();
    assert!(version >= vec![3, 51, 3], "{version:?}");
}

#[tokio::test]
async fn a_row_that_was_changed_in_any_column_does_not_open() {
    for change in [
        "sealed = (SELECT sealed FROM secret WHERE id = 'two')",
        "sealed = x''",
        "kind = 'requested'",
        "kind = 'nonsense'",
        "type = 'text/html'",
        "name = 'other'",
        "type = '', name = 'text/plainname of one'",
    ] {
        let path = filled().await;
        raw(
            path.path(),
            &format!("UPDATE secret SET {change} WHERE id = 'one'"),
        );
        let error = open(path.path()).read(mine("one").key).await.unwrap_err();
        assert!(
            matches!(&error, StoreError::Damaged { id, .. } if id.as_str() == "one"),
            "{change}: {error:?}"
        );
        assert!(!error.hint().is_empty());
    }
}

#[tokio::test]
async fn a_row_that_was_relabelled_does_not_open() {
    for (change, relabelled) in [
        ("owner = 'mallory'", key("mallory", None, "one")),
        ("delegated_to = 'mallory'", key("alice", Some("mallory"), "one")),
        ("id = 'three'", key("alice", None, "three")),
        (
            "room = 'den'",
            SecretKey {
                room: RoomName::new("den").unwrap(),
                ..mine("one").key
            },
        ),
    ] {
        let path = filled().await;
        raw(
            path.path(),
            &format!("UPDATE secret SET {change} WHERE id = 'one'"),
        );
        let error = open(path.path()).read(relabelled).await.unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{change}: {error:?}");
    }
    let path = filled().await;
    raw(
        path.path(),
        "PRAGMA foreign_keys = OFF; UPDATE secret SET key_number = 2 WHERE id = 'one'",
    );
    let error = open(path.path()).read(mine("one").key).await.unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
}

#[tokio::test]
async fn no_flipped_bit_of_a_sealed_value_goes_unseen() {
    let path = filled().await;
    let connection = Connection::open(path.path().join(DATABASE)).unwrap();
    let sealed: Vec<u8> = connection
        .query_row("SELECT sealed FROM secret WHERE id = 'one'", (), |row| row.get(0))
        .unwrap();
    let store = open(path.path());
    for index in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[index] ^= 1 << (index % 8);
        connection
            .execute("UPDATE secret SET sealed = ? WHERE id = 'one'", [&changed])
            .unwrap();
        let read = store.read(mine("one").key).await;
        assert!(matches!(read, Err(StoreError::Damaged { .. })), "byte {index}");
    }
    connection
        .execute("UPDATE secret SET sealed = ? WHERE id = 'one'", [&sealed])
        .unwrap();
    assert!(store.read(mine("one").key).await.unwrap().is_some());
}

#[tokio::test]
async fn the_key_must_be_the_one_it_was_made_with() {
    let path = filled().await;
    let other = KeySource::Environment(SensitiveText::new("ab".repeat(32)));
    let wrong = open_with(path.path(), &other).unwrap_err();
    assert!(matches!(wrong, StoreError::WrongKey { .. }), "{wrong:?}");
    let passphrase = KeySource::Passphrase("x".to_owned().into());
    assert!(matches!(
        open_with(path.path(), &passphrase),
        Err(StoreError::WrongKey { .. })
    ));
    let key = path.path().join("store.key");
    std::fs::rename(&key, path.path().join("moved.key")).unwrap();
    let missing = open_with(path.path(), &KeySource::Default).unwrap_err();
    assert!(matches!(missing, StoreError::KeyMissing { .. }), "{missing:?}");
    assert!(!key.exists());
    assert!(open_with(path.path(), &KeySource::File(path.path().join("moved.key"))).is_ok());
}

#[tokio::test]
async fn a_passphrase_opens_what_it_made() {
    let path = tempfile::tempdir().unwrap();
    let source = |text: &str| KeySource::Passphrase(text.to_owned().into());
    let store = open_with(path.path(), &source("correct horse")).unwrap();
    put(&store, mine("one"), CANARY).await;
    store.close().await.unwrap();
    assert!(!path.path().join("store.key").exists());
    let store = open_with(path.path(), &source("correct horse")).unwrap();
    assert!(store.read(mine("one").key).await.unwrap().is_some());
    assert!(matches!(
        open_with(path.path(), &source("wrong")),
        Err(StoreError::WrongKey { .. })
    ));
}

#[tokio::test]
async fn what_is_not_our_database_is_left_alone() {
    let path = filled().await;
    raw(path.path(), "PRAGMA user_version = 2");
    let newer = open_with(path.path(), &KeySource::Default).unwrap_err();
    assert!(
        matches!(newer, StoreError::NewerVersion { found: 2, known: 1 }),
        "{newer:?}"
    );

    let path = tempfile::tempdir().unwrap();
    raw(path.path(), "CREATE TABLE theirs (a)");
    assert!(matches!(
        open_with(path.path(), &KeySource::Default),
        Err(StoreError::Foreign(_))
    ));
    assert!(!path.path().join("store.key").exists());

    let path = tempfile::tempdir().unwrap();
    std::fs::write(path.path().join(DATABASE), [b'x'; 5000]).unwrap();
    let garbage = open_with(path.path(), &KeySource::Default).unwrap_err();
    assert!(matches!(garbage, StoreError::Corrupted(_)), "{garbage:?}");
}

#[tokio::test]
async fn many_writes_at_once_are_all_on_disk() {
    let path = tempfile::tempdir().unwrap();
    let store = open(path.path());
    let writes = (0..700).map(|number| put_numbered(&store, number));
    join_all(writes).await;
    // Not closed: as if the process had been killed.
    std::mem::drop(store);
    let again = open(path.path());
    for number in 0..700 {
        let (_, value) = again
            .read(mine(&format!("s{number}")).key)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(value.expose(), number.to_string().as_bytes());
    }
}

async fn put_numbered(store: &SqliteStore, number: usize) {
    put(store, mine(&format!("s{number}")), number.to_string().as_bytes()).await;
}

#[test]
fn several_that_open_an_empty_directory_at_once_all_succeed() {
    let path = tempfile::tempdir().unwrap();
    let settings: Vec<_> = std::thread::scope(|scope| {
        let work = |number: usize| {
            let path = path.path();
            move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                let store = open(path);
                let value = format!("value {number}").into_bytes().into();
                let setting = store.set_setting_if_absent("api_key", &value).unwrap();
                runtime.block_on(async {
                    put_numbered(&store, number).await;
                    store.close().await.unwrap();
                });
                setting.into_exposed()
            }
        };
        let threads: Vec<_> = (0..8).map(|number| scope.spawn(work(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(
        settings.iter().all(|setting| setting == &settings[0]),
        "all see the same setting"
    );
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let store = open(path.path());
    assert_eq!(store.setting("api_key").unwrap().unwrap().expose(), &settings[0]);
    assert!(store.setting("other").unwrap().is_none());
    for number in 0..8 {
        let key = mine(&format!("s{number}")).key;
        assert!(runtime.block_on(store.contains(key)).unwrap());
    }
}

#[tokio::test]
async fn a_full_disk_fails_the_write_and_nothing_else() {
    let path = filled().await;
    let store = open(path.path());
    let limit = |connection: &mut Connection| {
        connection
            .query_row("PRAGMA max_page_count = 30", (), |_| Ok(()))
            .map_err(Into::into)
    };
    store.shared().connections.with(limit).unwrap();
    let large = |id| store.write(mine(id), vec![0; 1 << 20].into());
    assert!(matches!(large("a").await, Err(StoreError::DiskFull)));
    assert!(
        join_all([large("a"), large("b")])
            .await
            .iter()
            .all(Result::is_err)
    );
    put(&store, mine("small"), b"fits").await;
    assert!(store.read(mine("one").key).await.unwrap().is_some());
    assert!(!store.contains(mine("a").key).await.unwrap());
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let path = filled().await;
    let store = open(path.path());
    store.close().await.unwrap();
    assert!(matches!(
        store.read(mine("one").key).await,
        Err(StoreError::Closed)
    ));
    assert!(matches!(
        store.write(mine("one"), vec![].into()).await,
        Err(StoreError::Closed)
    ));
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_worker_that_died_is_an_error_and_not_a_wait() {
    let worker = worker::Worker::<tokio::sync::oneshot::Sender<()>>::new("dying", |_, _, _| {});
    let path = filled().await;
    let shared = Arc::clone(open(path.path()).shared());
    let (reply, answer) = tokio::sync::oneshot::channel();
    // Whether the thread ends before or after the job is queued, the answer does not come.
    let sent = worker.send(&shared, reply);
    assert!(matches!(sent, Ok(()) | Err(StoreError::Stopped)));
    assert!(answer.await.is_err());
}

#[tokio::test]
async fn a_value_is_nowhere_in_the_files_and_the_log_stays_small() {
    let path = tempfile::tempdir().unwrap();
    let store = open(path.path());
    put(&store, mine("one"), CANARY).await;
    put(&store, mine("big"), &CANARY.repeat(100_000)).await;
    store
        .set_setting_if_absent("api_key", &CANARY.to_vec().into())
        .unwrap();
    assert!(!format!("{store:?}").contains("canary"));
    store.close().await.unwrap();
    for entry in std::fs::read_dir(path.path()).unwrap() {
        let entry = entry.unwrap();
        let bytes = std::fs::read(entry.path()).unwrap();
        assert!(
            !bytes.windows(CANARY.len()).any(|window| window == CANARY),
            "{:?}",
            entry.path()
        );
        let is_log = entry
            .path()
            .extension()
            .is_some_and(|extension| extension == "db-wal");
        assert!(!is_log || bytes.len() <= 512 << 10);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(
                entry.metadata().unwrap().permissions().mode() & 0o777,
                0o600,
                "{:?}",
                entry.path()
            );
        }
    }
}
