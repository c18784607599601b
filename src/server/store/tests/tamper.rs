//! Changed rows, wrong keys and foreign files are detected.

use super::*;
use crate::server::store::tables::FORMAT;

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
async fn every_flipped_bit_of_a_sealed_value_is_detected() {
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
    raw(path.path(), &format!("PRAGMA user_version = {}", FORMAT + 1));
    let newer = open_with(path.path(), &KeySource::Default).unwrap_err();
    assert!(
        matches!(newer, StoreError::NewerVersion { found, known: FORMAT } if found == FORMAT + 1),
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
async fn a_value_is_nowhere_in_the_files_and_the_log_stays_small() {
    let path = tempfile::tempdir().unwrap();
    let store = open(path.path());
    put(&store, mine("one"), CANARY).await;
    put(&store, mine("big"), &CANARY.repeat(100_000)).await;
    let api_key = store.key_ring().await.unwrap().api_keys.remove(0).key;
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
        let key = api_key.signing_key();
        assert!(
            !bytes.windows(key.len()).any(|window| window == key),
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

/// A list and `exists` say nothing that a changed row would have them say.
#[tokio::test]
async fn a_changed_row_is_neither_listed_nor_there() {
    for (change, id) in [
        ("owner = 'mallory'", "one"),
        ("delegated_to = 'mallory'", "one"),
        ("id = 'three'", "three"),
        ("kind = 'requested'", "one"),
        ("type = 'text/html'", "one"),
        ("name = 'other'", "one"),
        ("version = 7", "one"),
        ("written_at = 7", "one"),
        ("written_at = NULL", "one"),
        ("extra = x'01'", "one"),
        ("mac = x''", "one"),
        ("mac = zeroblob(16)", "one"),
        ("mac = (SELECT mac FROM secret WHERE id = 'two')", "one"),
        ("sealed = (SELECT sealed FROM secret WHERE id = 'two')", "one"),
    ] {
        let path = filled().await;
        raw(
            path.path(),
            &format!("UPDATE secret SET {change} WHERE id = 'one'"),
        );
        let store = open(path.path());
        for viewer in ["alice", "mallory"] {
            let room = RoomName::new("room").unwrap();
            let query = SecretQuery::new(room, identity(viewer), DelegatedTo::Anyone);
            let found = store.find(query).await.unwrap();
            assert!(
                found
                    .secrets
                    .iter()
                    .all(|secret| secret.record.key.id.as_str() == "two"),
                "{change}"
            );
            assert!(viewer != "alice" || found.secrets.len() == 1 || change.starts_with("owner"));
            let touched = viewer == "alice" || change.starts_with("owner") || change.starts_with("delegated");
            assert_eq!(
                found.damage.is_some(),
                touched && !(viewer == "alice" && change.starts_with("owner")),
                "{change}"
            );
        }
        let owner = if change.starts_with("owner") {
            "mallory"
        } else {
            "alice"
        };
        let delegate = change.starts_with("delegated").then_some("mallory");
        let there = store.contains(key(owner, delegate, id)).await;
        assert!(
            matches!(there, Err(StoreError::Damaged { .. })),
            "{change}: {there:?}"
        );
    }
}
