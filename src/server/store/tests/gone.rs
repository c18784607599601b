//! Databases that are missing, empty, or lack what was acknowledged: none is taken for a new one.

use std::fs;

use super::*;

/// A directory as a killed process leaves it: what was acknowledged is in the log alone.
async fn with_a_full_log() -> tempfile::TempDir {
    let path = tempfile::tempdir().unwrap();
    open(path.path()).close().await.unwrap();
    let killed = tempfile::tempdir().unwrap();
    let store = open(path.path());
    for number in 0..10 {
        put(&store, mine("one"), format!("value {number}").as_bytes()).await;
    }
    for entry in fs::read_dir(path.path()).unwrap() {
        let from = entry.unwrap().path();
        // The index is shared memory, which ends with the processes.
        if from.extension().is_none_or(|extension| extension != "db-shm") {
            fs::copy(&from, killed.path().join(from.file_name().unwrap())).unwrap();
        }
    }
    killed
}

fn log(path: &Path) -> std::path::PathBuf {
    path.join(format!("{DATABASE}-wal"))
}

#[tokio::test]
async fn an_empty_or_missing_database_beside_its_files_is_never_made_anew() {
    let path = with_a_full_log().await;
    let content = fs::read(log(path.path())).unwrap();
    assert!(!content.is_empty());
    let whole = fs::read(path.path().join(DATABASE)).unwrap();
    for how in ["missing", "empty"] {
        // Each of these files is enough to say that a store was here.
        for only in ["store.db-wal", "store.key", "store.commits"] {
            let hidden = tempfile::tempdir().unwrap();
            for file in ["store.db-wal", "store.key", "store.commits"] {
                if file != only {
                    fs::rename(path.path().join(file), hidden.path().join(file)).unwrap();
                }
            }
            match how {
                "missing" => fs::remove_file(path.path().join(DATABASE)).unwrap(),
                _ => fs::write(path.path().join(DATABASE), b"").unwrap(),
            }
            let error = open_with(path.path(), &KeySource::Default).unwrap_err();
            let said = error.to_string();
            assert!(matches!(error, StoreError::Gone { .. }), "{how} {only}: {said}");
            assert!(said.contains(how) && said.contains(only), "{said}");
            for entry in fs::read_dir(hidden.path()).unwrap() {
                let file = entry.unwrap().file_name();
                fs::rename(hidden.path().join(&file), path.path().join(&file)).unwrap();
            }
            fs::write(path.path().join(DATABASE), &whole).unwrap();
        }
    }
    assert_eq!(
        fs::read(log(path.path())).unwrap(),
        content,
        "the log is untouched"
    );
    let (_, value) = open(path.path()).read(mine("one").key).await.unwrap().unwrap();
    assert_eq!(value.expose(), b"value 9");
}

#[tokio::test]
async fn a_log_that_is_damaged_anywhere_is_noticed() {
    let path = with_a_full_log().await;
    let whole = fs::read(log(path.path())).unwrap();
    let database = fs::read(path.path().join(DATABASE)).unwrap();
    let count = fs::read(path.path().join("store.commits")).unwrap();
    let damages = (0..whole.len()).step_by(997).map(|at| {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        damaged
    });
    let cuts = (0..whole.len()).step_by(4999).map(|at| whole[..at].to_vec());
    for damaged in damages.chain(cuts) {
        for file in fs::read_dir(path.path()).unwrap() {
            let file = file.unwrap().path();
            if file.to_string_lossy().contains("store.db-") {
                fs::remove_file(file).unwrap();
            }
        }
        fs::write(path.path().join(DATABASE), &database).unwrap();
        fs::write(path.path().join("store.commits"), &count).unwrap();
        fs::write(log(path.path()), &damaged).unwrap();
        match open_with(path.path(), &KeySource::Default) {
            Err(StoreError::Behind { found, acknowledged }) => assert!(found < acknowledged),
            Err(error) => panic!("{error}"),
            // A byte that SQLite does not use.
            Ok(store) => {
                let (_, value) = store.read(mine("one").key).await.unwrap().unwrap();
                assert_eq!(value.expose(), b"value 9");
            }
        }
    }
}

#[tokio::test]
async fn a_count_of_another_database_is_refused_and_a_missing_one_is_made() {
    let (path, other) = (filled().await, filled().await);
    let count = path.path().join("store.commits");
    let ours = fs::read(&count).unwrap();
    fs::copy(other.path().join("store.commits"), &count).unwrap();
    let error = open_with(path.path(), &KeySource::Default).unwrap_err();
    assert!(
        matches!(&error, StoreError::Corrupted(text) if text.contains("store.commits")),
        "{error}"
    );
    fs::remove_file(&count).unwrap();
    put(&open(path.path()), mine("three"), b"x").await;
    assert_ne!(fs::read(&count).unwrap(), ours);
    open(path.path());
}

#[tokio::test]
async fn making_a_database_that_was_cut_short_is_begun_again() {
    let whole = filled().await;
    let key = fs::read(whole.path().join("store.key")).unwrap();
    // Killed before the key, after it, and while the tables were made.
    for (made_key, unfinished) in [
        (false, &b""[..]),
        (true, b""),
        (true, b"SQLite format 3\0, half of it"),
    ] {
        let path = tempfile::tempdir().unwrap();
        fs::write(path.path().join(format!("{DATABASE}.new")), unfinished).unwrap();
        if made_key {
            use std::os::unix::fs::PermissionsExt as _;
            let file = path.path().join("store.key");
            fs::write(&file, &key).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        }
        let store = open(path.path());
        put(&store, mine("one"), b"value").await;
        assert!(!path.path().join(format!("{DATABASE}.new")).exists());
    }
}
