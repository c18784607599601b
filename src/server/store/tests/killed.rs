//! What a process leaves that is killed at any moment.

use std::fs;
use std::path::PathBuf;

use super::*;

/// Copies of a data directory.
pub(super) struct Copies {
    directory: tempfile::TempDir,
    copies: Vec<PathBuf>,
}

impl Copies {
    pub(super) fn len(&self) -> usize {
        self.copies.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Path> {
        assert!(self.directory.path().exists());
        self.copies.iter().map(PathBuf::as_path)
    }
}

/// Copies what is on disk in `path` after every so many instructions of a statement while `work` runs: what a process that is killed
/// there leaves.
pub(super) async fn copies_while(
    path: &Path,
    store: &SqliteStore,
    instructions: i32,
    work: impl AsyncFnOnce(&SqliteStore),
) -> Copies {
    let directory = tempfile::tempdir().unwrap();
    let (from, to) = (path.to_owned(), directory.path().to_owned());
    let mut steps = 0_usize;
    let copy = move || {
        let copy = to.join(format!("{steps:06}"));
        fs::create_dir(&copy).unwrap();
        for file in ["store.db", "store.db-wal", "store.key", "store.commits"] {
            if from.join(file).exists() {
                fs::copy(from.join(file), copy.join(file)).unwrap();
            }
        }
        steps += 1;
        false
    };
    let shared = store.shared();
    let watch = |handler: Option<Box<dyn FnMut() -> bool + Send>>| {
        shared.connections.with(|connection| {
            // Spills pages into the log before a transaction ends, as a large database does.
            connection.execute_batch("PRAGMA cache_size = 2; PRAGMA cache_spill = 1")?;
            Ok::<_, StoreError>(
                connection.progress_handler(if handler.is_some() { instructions } else { 0 }, handler)?,
            )
        })
    };
    watch(Some(Box::new(copy))).unwrap();
    work(store).await;
    watch(None).unwrap();
    let mut copies: Vec<_> = fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    copies.sort();
    Copies { directory, copies }
}
