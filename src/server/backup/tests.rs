//! A backup that was changed in any byte, or cut anywhere, is an error; one that was not is the store again.

use std::fs;

use super::*;
use crate::fs::{Existing, write_atomic};
use crate::server::data_dir::{DataDir, LocalAccess};
use crate::server::store::{
    AuditEntry, SecretKey, SecretKind, SecretRecord, SqliteStore, Store as _, StoreError, Stretching,
};
use crate::wire::{Identity, RoomName, SecretId};

const CHUNK: usize = 64 << 10;
const TAG: usize = 16;

fn passphrase() -> SensitiveText {
    "correct horse".into()
}

/// Cheap, so that it can be done for every byte.
fn stretching() -> Stretching {
    Stretching {
        memory: 8,
        passes: 1,
        lanes: 1,
        salt: vec![7; 16],
    }
}

fn contained(content: &[u8], passphrase: Option<&SensitiveText>) -> Vec<u8> {
    let mut output = Vec::new();
    let header = match passphrase {
        Some(passphrase) => header::encrypted(passphrase, &stretching()),
        None => header::new(None),
    };
    let mut writer = ContainerWriter::with_header(&mut output, header.unwrap()).unwrap();
    writer.write_all(content).unwrap();
    writer.finish().unwrap();
    output
}

fn content(container: &[u8], passphrase: Option<&SensitiveText>) -> Result<Vec<u8>, BackupError> {
    let mut reader = ContainerReader::new(container, passphrase)?;
    let mut content = Vec::new();
    reader
        .read_to_end(&mut content)
        .map_err(|error| BackupError::from_io("read", error))?;
    Ok(content)
}

/// With a passphrase and without.
fn both_ways(test: impl Fn(Option<&SensitiveText>)) {
    test(Some(&passphrase()));
    test(None);
}

#[test]
fn a_container_gives_its_content_back_at_every_length_of_a_chunk() {
    both_ways(|passphrase| {
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 7] {
            let expected: Vec<u8> = (0..=250).cycle().take(length).collect();
            let container = contained(&expected, passphrase);
            assert!(
                content(&container, passphrase).unwrap() == expected,
                "{length} bytes"
            );
        }
    });
}

#[test]
fn a_container_with_a_changed_byte_is_an_error_wherever_it_is() {
    both_ways(|passphrase| {
        let container = contained(b"canary in a backup", passphrase);
        for at in 0..container.len() {
            let mut changed = container.clone();
            changed[at] ^= 1;
            let read = content(&changed, passphrase);
            assert!(read.is_err(), "byte {at}: {read:?}");
        }
    });
}

#[test]
fn a_container_that_is_cut_or_longer_is_an_error() {
    both_ways(|passphrase| {
        let container = contained(b"canary in a backup", passphrase);
        for length in 0..container.len() {
            assert!(
                content(&container[..length], passphrase).is_err(),
                "{length} bytes"
            );
        }
        assert!(content(&[&container[..], b"x"].concat(), passphrase).is_err());
    });
}

#[test]
fn a_container_with_chunks_left_out_swapped_or_added_is_an_error() {
    both_ways(|passphrase| {
        let container = contained(&vec![b'x'; 2 * CHUNK + 7], passphrase);
        let start = container.len() - (2 * (CHUNK + TAG) + 7 + TAG);
        let (header, chunks) = container.split_at(start);
        let chunks: Vec<&[u8]> = chunks.chunks(CHUNK + TAG).collect();
        let [one, two, last] = chunks[..] else {
            unreachable!()
        };
        let join = |chunks: &[&[u8]]| [header, &chunks.concat()].concat();
        assert!(content(&join(&[one, two, last]), passphrase).is_ok());
        for changed in [
            &[one, two][..],
            &[one],
            &[],
            &[one, last],
            &[two, one, last],
            &[one, two, last, last],
            &[one, two, two, last],
        ] {
            assert!(matches!(
                content(&join(changed), passphrase),
                Err(BackupError::Damaged | BackupError::WrongPassphrase)
            ));
        }
    });
}

#[test]
fn a_container_opens_only_as_it_was_protected() {
    let (encrypted, plain) = (contained(b"x", Some(&passphrase())), contained(b"x", None));
    let other: SensitiveText = "battery staple".into();
    assert!(matches!(
        content(&encrypted, Some(&other)),
        Err(BackupError::WrongPassphrase)
    ));
    assert!(matches!(content(&encrypted, None), Err(BackupError::Encrypted)));
    assert!(matches!(
        content(&plain, Some(&passphrase())),
        Err(BackupError::NotEncrypted)
    ));
    for (at, version) in [(16, 2), (16, 0)] {
        let mut newer = plain.clone();
        newer[at] = version;
        match content(&newer, None) {
            Err(BackupError::NewerVersion { found: 2, known: 1 }) => assert_eq!(version, 2),
            Err(BackupError::Damaged) => assert_eq!(version, 0),
            other => panic!("{other:?}"),
        }
    }
    // Parameters that would take all memory are refused before they cost anything.
    let mut costly = encrypted;
    costly[18] = 0xff;
    assert!(matches!(
        content(&costly, Some(&passphrase())),
        Err(BackupError::Damaged)
    ));
}

fn key(id: &str) -> SecretKey {
    SecretKey {
        room: RoomName::new("room").unwrap(),
        owner: Identity::new("alice").unwrap(),
        delegated_to: None,
        id: SecretId::new(id).unwrap(),
    }
}

fn open(path: &Path) -> SqliteStore {
    let LocalAccess::Here(directory) = DataDir::open_local(path).unwrap() else {
        unreachable!()
    };
    SqliteStore::open(&directory, &KeySource::Default).unwrap()
}

async fn put(store: &SqliteStore, id: &str, value: &[u8]) {
    let record = SecretRecord {
        key: key(id),
        kind: SecretKind::Stored,
        secret_type: "text/plain".into(),
        name: String::new(),
    };
    store
        .write(record, value.to_vec().into(), AuditEntry::of_server("test"))
        .await
        .unwrap();
}

/// A data directory, and a backup of it with its key, or without encryption.
async fn backed_up(passphrase: Option<SensitiveText>) -> (tempfile::TempDir, Vec<u8>, Manifest) {
    let path = tempfile::tempdir().unwrap();
    let store = open(path.path());
    put(&store, "one", b"the value").await;
    put(&store, "two", &vec![b'x'; 200_000]).await;
    // The store is open, and what was written is in its log.
    let (backup, manifest) = back_up_of(path.path(), passphrase).unwrap();
    store.close().await.unwrap();
    (path, backup, manifest)
}

fn back_up_of(path: &Path, passphrase: Option<SensitiveText>) -> Result<(Vec<u8>, Manifest), BackupError> {
    let options = BackupOptions {
        data_dir: path.to_owned(),
        include_key: passphrase.is_some().then_some(KeySource::Default),
        passphrase,
    };
    let workspace = Workspace::create_in(path).unwrap();
    let mut backup = Vec::new();
    let manifest = back_up(&options, workspace.path(), &mut backup)?;
    Ok((backup, manifest))
}

#[tokio::test]
async fn a_backup_is_the_store_again() {
    let (_path, backup, manifest) = backed_up(Some(passphrase())).await;
    assert_eq!((manifest.secret_count(), manifest.commits), (2, 2));
    assert!(manifest.includes_key);
    let target = tempfile::tempdir().unwrap();
    let restored = restore(
        &mut &*backup,
        Some(&passphrase()),
        &KeySource::Default,
        target.path(),
    );
    assert_eq!(restored.unwrap(), manifest);
    let store = open(target.path());
    let (_, value) = store.read(key("one")).await.unwrap().unwrap();
    assert_eq!(value.expose(), b"the value");
    let (_, value) = store.read(key("two")).await.unwrap().unwrap();
    assert_eq!(value.expose().len(), 200_000);
}

#[tokio::test]
async fn a_backup_without_the_key_needs_it_and_takes_no_other() {
    let (path, backup, _) = backed_up(None).await;
    let target = tempfile::tempdir().unwrap();
    let with = |source: KeySource| {
        let target = tempfile::tempdir().unwrap();
        restore(&mut &*backup, None, &source, target.path())
    };
    assert!(matches!(with(KeySource::Default), Err(BackupError::KeyNeeded)));
    let other = KeySource::Environment("ab".repeat(32).into());
    assert!(matches!(
        with(other),
        Err(BackupError::Store(StoreError::WrongKey { .. }))
    ));
    let file = KeySource::File(path.path().join("store.key"));
    restore(&mut &*backup, None, &file, target.path()).unwrap();
    assert!(!target.path().join("store.key").exists());
}

/// A row that is damaged in the store is damaged in its backup too: restoring finds it.
#[tokio::test]
async fn a_row_that_does_not_open_is_found_when_it_is_restored() {
    for change in [
        "UPDATE secret SET sealed = substr(sealed, 1, length(sealed) - 1) WHERE id = 'one'",
        "UPDATE secret SET version = 7 WHERE id = 'one'",
        "UPDATE secret SET room = ''",
        "INSERT INTO setting SELECT 'name', 1, x'00'",
    ] {
        let (path, ..) = backed_up(None).await;
        let connection = rusqlite::Connection::open(path.path().join("store.db")).unwrap();
        connection.execute_batch(change).unwrap();
        let (backup, _) = back_up_of(path.path(), Some(passphrase())).unwrap();
        let target = tempfile::tempdir().unwrap();
        let restored = restore(
            &mut &*backup,
            Some(&passphrase()),
            &KeySource::Default,
            target.path(),
        );
        assert!(
            matches!(
                restored,
                Err(BackupError::Store(
                    StoreError::Damaged { .. } | StoreError::Corrupted(_)
                ))
            ),
            "{change}: {restored:?}"
        );
    }
}

#[tokio::test]
async fn an_audit_log_that_was_changed_is_found_when_it_is_restored() {
    let (path, ..) = backed_up(None).await;
    rusqlite::Connection::open(path.path().join("store.db"))
        .unwrap()
        .execute("UPDATE audit SET operation = 'other' WHERE seq = 1", ())
        .unwrap();
    let (backup, _) = back_up_of(path.path(), None).unwrap();
    let target = tempfile::tempdir().unwrap();
    let key = fs::read_to_string(path.path().join("store.key")).unwrap();
    let source = KeySource::Environment(key.trim().to_owned().into());
    let refused = restore(&mut &*backup, None, &source, target.path()).unwrap_err();
    assert!(refused.to_string().contains("entry 1 was changed"), "{refused}");
}

#[tokio::test]
async fn a_store_that_lost_transactions_is_not_backed_up() {
    let (path, ..) = backed_up(None).await;
    let connection = rusqlite::Connection::open(path.path().join("store.db")).unwrap();
    connection.execute("UPDATE meta SET commits = 1", ()).unwrap();
    drop(connection);
    let behind = back_up_of(path.path(), None).unwrap_err();
    assert!(matches!(
        behind,
        BackupError::Store(StoreError::Behind {
            found: 1,
            acknowledged: 2
        })
    ));
    assert_eq!(
        fs::read_dir(path.path())
            .unwrap()
            .filter(|entry| entry.as_ref().unwrap().path().is_dir())
            .count(),
        0
    );
}

/// A data directory of an earlier release.
fn directory_of_format(format: u8) -> tempfile::TempDir {
    let path = tempfile::tempdir().unwrap();
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/vectors");
    let vectors = vectors.join(format!("store-format-{format}/default"));
    for name in ["store.db", "store.key"] {
        let content = fs::read(vectors.join(name)).unwrap();
        write_atomic(&path.path().join(name), &content, Existing::Keep).unwrap();
    }
    path
}

#[test]
fn a_backup_of_an_older_format_is_restored_in_the_present_one() {
    let path = directory_of_format(2);
    let (backup, manifest) = back_up_of(path.path(), Some(passphrase())).unwrap();
    assert_eq!(manifest.database_format, 2);
    let target = tempfile::tempdir().unwrap();
    let (passphrase, source) = (passphrase(), KeySource::Default);
    let restored = restore(&mut &*backup, Some(&passphrase), &source, target.path()).unwrap();
    assert_eq!(restored, manifest);
    let format = |path: &Path| -> i64 {
        let connection = rusqlite::Connection::open(path.join("store.db")).unwrap();
        connection
            .query_row("PRAGMA user_version", (), |row| row.get(0))
            .unwrap()
    };
    assert_eq!(format(path.path()), 2);
    assert!(format(target.path()) > 2);
}

#[test]
fn a_database_in_format_1_is_not_backed_up() {
    let path = directory_of_format(1);
    assert!(matches!(
        back_up_of(path.path(), None),
        Err(BackupError::Store(StoreError::OlderVersion { found: 1 }))
    ));
}

#[tokio::test]
async fn a_key_goes_only_into_an_encrypted_backup_and_only_if_it_opens_the_store() {
    let (path, ..) = backed_up(None).await;
    let workspace = Workspace::create_in(path.path()).unwrap();
    let mut options = BackupOptions {
        data_dir: path.path().to_owned(),
        passphrase: None,
        include_key: Some(KeySource::Default),
    };
    let attempt = |options: &BackupOptions| {
        let mut output = Vec::new();
        let workspace = Workspace::create_in(workspace.path()).unwrap();
        let error = back_up(options, workspace.path(), &mut output).unwrap_err();
        assert!(output.is_empty());
        error
    };
    assert!(matches!(attempt(&options), BackupError::KeyWithoutEncryption));
    options.passphrase = Some(passphrase());
    options.include_key = Some(KeySource::Passphrase(passphrase()));
    assert!(matches!(attempt(&options), BackupError::NoKeyToInclude));
    options.include_key = Some(KeySource::Environment("ab".repeat(32).into()));
    assert!(matches!(
        attempt(&options),
        BackupError::Store(StoreError::WrongKey { .. })
    ));
    options.data_dir = path.path().join("elsewhere");
    options.include_key = None;
    assert!(matches!(attempt(&options), BackupError::NoStore(_)));
}
