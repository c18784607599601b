//! Databases that an earlier format left, and processes that are killed while they bring them to today's.

use std::fs;

use super::*;
use crate::fs::{Existing, write_atomic};
use crate::server::store::seal::Bound;
use crate::server::store::{connection, migrate};
use crate::token::ApiKey;

/// A data directory that the last release with format 1 made, with the default key file.
const DATABASE_1: &[u8] = include_bytes!("../../../../tests/it/vectors/store-format-1/default/store.db");
const KEY_1: &[u8] = include_bytes!("../../../../tests/it/vectors/store-format-1/default/store.key");
/// The same secrets in format 2, where `one` was set again.
const DATABASE_2: &[u8] = include_bytes!("../../../../tests/it/vectors/store-format-2/default/store.db");
const KEY_2: &[u8] = include_bytes!("../../../../tests/it/vectors/store-format-2/default/store.key");
const COMMITS_2: &[u8] = include_bytes!("../../../../tests/it/vectors/store-format-2/default/store.commits");
/// The same secrets in format 4, with two API keys and a revocation.
const DATABASE_4: &[u8] = include_bytes!("../../../../tests/it/vectors/store-format-4/default/store.db");
const KEY_4: &[u8] = include_bytes!("../../../../tests/it/vectors/store-format-4/default/store.key");
const COMMITS_4: &[u8] = include_bytes!("../../../../tests/it/vectors/store-format-4/default/store.commits");
/// Another of format 1, whose key comes from the passphrase `correct horse`.
const BY_PASSPHRASE_1: &[u8] =
    include_bytes!("../../../../tests/it/vectors/store-format-1/passphrase/store.db");

fn of_kind(key: SecretKey, kind: SecretKind, secret_type: &str) -> SecretRecord {
    SecretRecord {
        kind,
        secret_type: secret_type.into(),
        ..record(key)
    }
}

/// What both directories hold.
fn contents() -> Vec<(SecretRecord, Vec<u8>)> {
    let stored = |key| of_kind(key, SecretKind::Stored, "text/plain");
    vec![
        (stored(key("alice", None, "one")), b"the first value".to_vec()),
        (
            stored(key("alice", Some("bob"), "shared")),
            b"for bob too".to_vec(),
        ),
        (
            stored(key("b\u{f6}b", None, "caf\u{e9}/\u{1f511}")),
            vec![0, 1, 2, 0xff],
        ),
        (stored(key("alice", None, "empty")), Vec::new()),
        (stored(key("alice", None, "large")), vec![7; 20_000]),
        (
            of_kind(
                key("bob", Some("alice"), "requested:1"),
                SecretKind::Requested,
                "",
            ),
            b"an answer".to_vec(),
        ),
        (
            of_kind(key("alice", None, "oauth:1"), SecretKind::OAuth, "text/plain"),
            b"{}".to_vec(),
        ),
    ]
}

fn directory_of(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let path = tempfile::tempdir().unwrap();
    for (name, content) in files {
        write_atomic(&path.path().join(name), content, Existing::Keep).unwrap();
    }
    path
}

fn format_1() -> tempfile::TempDir {
    directory_of(&[(DATABASE, DATABASE_1), ("store.key", KEY_1)])
}

fn format_2() -> tempfile::TempDir {
    directory_of(&[
        (DATABASE, DATABASE_2),
        ("store.key", KEY_2),
        ("store.commits", COMMITS_2),
    ])
}

fn format_4() -> tempfile::TempDir {
    directory_of(&[
        (DATABASE, DATABASE_4),
        ("store.key", KEY_4),
        ("store.commits", COMMITS_4),
    ])
}

async fn holds_everything(store: &SqliteStore) {
    holds_secrets(store).await;
    assert_eq!(former_api_key(store), b"not a real key");
}

async fn holds_secrets(store: &SqliteStore) {
    for (record, value) in contents() {
        let (read, found) = store.read(record.key.clone()).await.unwrap().unwrap();
        assert_eq!(read, record);
        assert_eq!(found.expose(), &value);
    }
    let viewer = SecretQuery::new(
        RoomName::new("room").unwrap(),
        identity("alice"),
        DelegatedTo::Anyone,
    );
    let found = store.find(viewer).await.unwrap().whole().unwrap();
    assert_eq!(found.len(), contents().len() - 1);
}

/// What the setting holds that had the API key before format 4.
fn former_api_key(store: &SqliteStore) -> Vec<u8> {
    let shared = store.shared();
    let (number, sealed) = shared
        .connections
        .with(|connection| {
            let row = connection.query_row(
                "SELECT key_number, sealed FROM setting WHERE name = 'api_key'",
                (),
                |row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?)),
            );
            row.map_err(StoreError::from)
        })
        .unwrap();
    let bound = |key, database: &_| Bound::setting(key, database, "api_key");
    shared
        .keys
        .present()
        .open(number, bound, &sealed)
        .unwrap()
        .into_exposed()
}

#[tokio::test]
async fn the_api_key_of_an_older_format_stays_in_use() {
    let path = format_2();
    let store = open(path.path());
    let unreadable = store.key_ring().await;
    assert!(
        matches!(unreadable, Err(StoreError::Corrupted(_))),
        "{unreadable:?}"
    );
    let former = ApiKey::generate(uuid::Uuid::from_u128(7)).unwrap();
    let shared = store.shared();
    let text = former.text().expose().as_bytes().to_vec();
    let (number, sealed) = shared
        .keys
        .present()
        .seal(
            |key, database| Bound::setting(key, database, "api_key"),
            &text.into(),
        )
        .unwrap();
    shared
        .connections
        .with(|connection| {
            let changed =
                connection.execute("UPDATE setting SET key_number = ?, sealed = ?", (number, sealed));
            changed.map_err(StoreError::from)
        })
        .unwrap();
    for _ in 0..2 {
        let ring = store.key_ring().await.unwrap();
        assert_eq!(ring.api_keys.len(), 1);
        assert!(ring.api_keys[0].current);
        assert_eq!(ring.api_keys[0].key.text().expose(), former.text().expose());
    }
    let left = Connection::open(path.path().join(DATABASE)).unwrap();
    let left: i64 = left
        .query_row("SELECT count(*) FROM setting", (), |row| row.get(0))
        .unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_database_of_format_1_keeps_every_secret() {
    let path = format_1();
    for _ in 0..2 {
        let store = open(path.path());
        holds_everything(&store).await;
        store.close().await.unwrap();
    }
    let [counted, rows] = counts(path.path());
    assert_eq!(counted, rows);
    assert_eq!(counted.iter().map(|owner| owner.2).sum::<i64>(), 9, "{counted:?}");
    let store = open(path.path());
    put(&store, mine("one"), b"the second value").await;
    let mut query = SecretQuery::new(
        RoomName::new("room").unwrap(),
        identity("alice"),
        DelegatedTo::Anyone,
    );
    let found = store.find(query.clone()).await.unwrap().whole().unwrap();
    let versions = |id: &str| {
        let secret = found
            .iter()
            .find(|secret| secret.record.key.id.as_str() == id)
            .unwrap();
        (secret.version, secret.written_at.is_some())
    };
    assert_eq!(versions("one"), (2, true));
    assert_eq!(versions("large"), (1, false));
    query.id = Some(SecretId::new("one").unwrap());
    assert_eq!(store.find(query).await.unwrap().whole().unwrap().len(), 1);

    let path = tempfile::tempdir().unwrap();
    fs::write(path.path().join(DATABASE), BY_PASSPHRASE_1).unwrap();
    let wrong = open_with(
        path.path(),
        &KeySource::Passphrase("wrong horse".to_owned().into()),
    );
    assert!(matches!(wrong, Err(StoreError::WrongKey { .. })), "{wrong:?}");
    assert_eq!(fs::read(path.path().join(DATABASE)).unwrap(), BY_PASSPHRASE_1);
    let right = KeySource::Passphrase("correct horse".to_owned().into());
    holds_everything(&open_with(path.path(), &right).unwrap()).await;
}

#[tokio::test]
async fn a_database_of_format_2_keeps_every_secret_and_counts_them() {
    let path = format_2();
    for _ in 0..2 {
        let store = open(path.path());
        holds_everything(&store).await;
        store.close().await.unwrap();
        let [counted, rows] = counts(path.path());
        assert_eq!(counted, rows);
        assert_eq!(counted.iter().map(|owner| owner.2).sum::<i64>(), 9, "{counted:?}");
    }
    // The counts stay those of the rows, and limit what comes next.
    let alice = counts(path.path())[0]
        .iter()
        .find(|owner| owner.0 == "alice")
        .unwrap()
        .clone();
    let limits = OwnerLimits {
        secrets: u64::try_from(alice.2).unwrap(),
        ..OwnerLimits::NONE
    };
    let options = StoreOptions {
        limits,
        ..StoreOptions::default()
    };
    let store = SqliteStore::open_with(&directory(path.path()), &KeySource::Default, options).unwrap();
    let refused = store.write(mine("new"), b"x".to_vec().into(), entry()).await;
    let over = |refused: &Result<(), StoreError>| {
        matches!(
            refused,
            Err(StoreError::OverLimit {
                limit: OwnerLimit::Secrets,
                ..
            })
        )
    };
    assert!(over(&refused), "{refused:?}");
    put(&store, mine("one"), b"replaced").await;
    assert!(store.delete(mine("large").key, entry()).await.unwrap());
    put(&store, mine("new"), b"x").await;
    let query = SecretQuery::new(
        RoomName::new("room").unwrap(),
        identity("alice"),
        DelegatedTo::Anyone,
    );
    let found = store.find(query).await.unwrap().whole().unwrap();
    let one = found
        .iter()
        .find(|secret| secret.record.key.id.as_str() == "one")
        .unwrap();
    // Format 2 has versions.
    assert_eq!(one.version, 3);
    store.close().await.unwrap();
    let [counted, rows] = counts(path.path());
    assert_eq!(counted, rows);
}

#[tokio::test]
async fn a_database_of_format_4_keeps_its_api_keys_and_gets_a_new_store_key() {
    let path = format_4();
    let store = open(path.path());
    let before = store.key_ring().await.unwrap();
    let rotated = store.rotate(|_| {}).await.unwrap();
    assert_eq!((rotated.key, rotated.damaged), (2, 0));
    store.close().await.unwrap();
    let store = open(path.path());
    let after = store.key_ring().await.unwrap();
    assert!(!before.api_keys.is_empty());
    assert_eq!(before.api_keys.len(), after.api_keys.len());
    for (before, after) in before.api_keys.iter().zip(&after.api_keys) {
        assert_eq!(before.key.text().expose(), after.key.text().expose());
    }
}

#[tokio::test]
async fn a_database_of_format_4_keeps_everything_and_gets_an_audit_log() {
    let path = format_4();
    for opened in 1..=2 {
        let store = open(path.path());
        holds_secrets(&store).await;
        let ring = store.key_ring().await.unwrap();
        assert_eq!((ring.api_keys.len(), ring.revocations.len()), (2, 1));
        put(&store, mine("one"), b"the first value").await;
        let verified = store.verify_audit(Vec::new()).await.unwrap();
        assert_eq!((verified.entries, verified.findings), (opened, Vec::new()));
        store.close().await.unwrap();
    }
}

/// A server of an older version may be using it.
#[tokio::test]
async fn a_database_of_an_older_format_is_not_migrated_beside_a_server() {
    let path = format_2();
    let before = fs::read(path.path().join(DATABASE)).unwrap();
    let beside = DataDir::beside_server(path.path()).unwrap();
    let refused = SqliteStore::open(&beside, &KeySource::Default);
    assert!(
        matches!(refused, Err(StoreError::OlderVersion { found: 2 })),
        "{refused:?}"
    );
    assert_eq!(fs::read(path.path().join(DATABASE)).unwrap(), before);
    let store = open(path.path());
    SqliteStore::open(&beside, &KeySource::Default).unwrap();
    store.close().await.unwrap();
}

/// The tables of a migrated database are those of a new one.
#[tokio::test]
async fn a_migrated_database_has_the_tables_of_a_new_one() {
    let columns = |path: &Path| {
        let connection = Connection::open(path.join(DATABASE)).unwrap();
        let mut statement = connection
            .prepare(
                "SELECT m.name, c.name, c.type, c.[notnull], c.pk FROM sqlite_schema m, pragma_table_info(m.name) c
                WHERE m.type = 'table' ORDER BY m.name, c.name",
            )
            .unwrap();
        let rows = statement.query_map((), |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, String>(2)?,
                row.get::<_, bool>(3)?,
                row.get::<_, i64>(4)?,
            ))
        });
        rows.unwrap().collect::<Result<Vec<_>, _>>().unwrap()
    };
    let new = filled().await;
    for old in [format_1(), format_2(), format_4()] {
        open(old.path()).close().await.unwrap();
        assert_eq!(columns(old.path()), columns(new.path()));
    }
}

/// What is on disk after each statement of the migration is what a process that is killed there leaves.
#[tokio::test]
async fn a_migration_that_is_killed_at_any_step_leaves_a_database_that_opens() {
    let path = format_1();
    let copies = tempfile::tempdir().unwrap();
    let mut connection = connection::open(&path.path().join(DATABASE)).unwrap();
    let (from, to) = (path.path().to_owned(), copies.path().to_owned());
    let mut steps = 0_usize;
    // Spills pages into the log before the transaction ends, as a large database does.
    connection
        .execute_batch("PRAGMA cache_size = 2; PRAGMA cache_spill = 1")
        .unwrap();
    connection
        .progress_handler(
            200,
            Some(move || {
                let copy = to.join(format!("{steps:06}"));
                fs::create_dir(&copy).unwrap();
                for file in ["store.db", "store.db-wal", "store.key"] {
                    fs::copy(from.join(file), copy.join(file)).unwrap();
                }
                steps += 1;
                false
            }),
        )
        .unwrap();
    migrate::run(&mut connection, path.path(), &KeySource::Default).unwrap();
    connection.progress_handler(0, None::<fn() -> bool>).unwrap();
    drop(connection);
    let killed: Vec<_> = fs::read_dir(copies.path()).unwrap().collect();
    assert!(killed.len() > 10, "{} steps", killed.len());
    for entry in killed {
        let copy = entry.unwrap().path();
        for file in fs::read_dir(&copy).unwrap() {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(file.unwrap().path(), fs::Permissions::from_mode(0o600)).unwrap();
        }
        let store = open(&copy);
        holds_everything(&store).await;
        store.close().await.unwrap();
    }
    holds_everything(&open(path.path())).await;
}

#[tokio::test]
async fn a_row_that_was_forged_in_format_1_is_not_made_good() {
    let path = format_1();
    raw(
        path.path(),
        "UPDATE secret SET owner = 'mallory' WHERE id = 'one'",
    );
    let store = open(path.path());
    let forged = store.read(key("mallory", None, "one")).await;
    assert!(matches!(forged, Err(StoreError::Damaged { .. })), "{forged:?}");
    assert_eq!(
        store
            .read(key("alice", None, "large"))
            .await
            .unwrap()
            .unwrap()
            .1
            .expose()
            .len(),
        20_000
    );
}
