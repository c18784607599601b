//! Another source of the store's key, while the store is used.

use super::killed::copies_while;
use super::*;

fn environment(hex: &str) -> KeySource {
    KeySource::Environment(hex.repeat(32).into())
}

fn passphrase(text: &str) -> KeySource {
    KeySource::Passphrase(text.to_owned().into())
}

async fn rekey(store: &SqliteStore, path: &Path, source: &KeySource) {
    let rekeying = store.begin_rekey(path, source).await.unwrap();
    store.finish_rekey(rekeying).await.unwrap();
}

async fn holds(store: &SqliteStore) {
    let (_, found) = store.read(mine("one").key).await.unwrap().unwrap();
    assert_eq!(found.expose(), CANARY);
}

/// Whether each of the sources opens the store, and everything in it.
async fn opens<const N: usize>(path: &Path, sources: [&KeySource; N]) -> [bool; N] {
    let mut opened = [false; N];
    for (opened, source) in opened.iter_mut().zip(sources) {
        match open_with(path, source) {
            Ok(store) => {
                holds(&store).await;
                *opened = true;
            }
            Err(StoreError::WrongKey { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    opened
}

async fn sources(store: &SqliteStore) -> Vec<String> {
    let status = store.key_status().await.unwrap();
    status.slots.into_iter().map(|slot| slot.source).collect()
}

#[tokio::test]
async fn after_rekey_the_new_source_alone_opens_the_store() {
    let path = filled().await;
    let (former, key, words) = (KeySource::Default, environment("ab"), passphrase("correct horse"));
    let store = open(path.path());
    rekey(&store, path.path(), &key).await;
    assert_eq!(opens(path.path(), [&former, &key]).await, [false, true]);
    rekey(&store, path.path(), &words).await;
    assert_eq!(
        opens(path.path(), [&former, &key, &words]).await,
        [false, false, true]
    );
    assert_eq!(sources(&store).await, ["a passphrase"]);
    // The default is a new key, in the file where the former one is.
    let first = std::fs::read(path.path().join("store.key")).unwrap();
    rekey(&store, path.path(), &former).await;
    assert_eq!(opens(path.path(), [&former, &words]).await, [true, false]);
    let second = std::fs::read(path.path().join("store.key")).unwrap();
    assert_ne!(first, second);
    rekey(&store, path.path(), &former).await;
    assert_eq!(opens(path.path(), [&former]).await, [true]);
    assert_ne!(second, std::fs::read(path.path().join("store.key")).unwrap());
    assert!(!path.path().join("store.key.new").exists());
    // Nothing of the former slot is left in the log either.
    assert_eq!(path.path().join("store.db-wal").metadata().unwrap().len(), 0);
    holds(&store).await;
}

#[tokio::test]
async fn a_rekey_that_is_killed_in_between_opens_with_both_and_is_finished_by_either() {
    for finisher in [KeySource::Default, environment("ab")] {
        let path = filled().await;
        let (former, new) = (KeySource::Default, environment("ab"));
        let _ = open(path.path()).begin_rekey(path.path(), &new).await.unwrap();
        assert_eq!(opens(path.path(), [&former, &new]).await, [true, true]);
        let store = open_with(path.path(), &finisher).unwrap();
        assert_eq!(sources(&store).await.len(), 2);
        let refused = store.rotate(|_| {}).await;
        assert!(matches!(refused, Err(StoreError::RekeyUnfinished)), "{refused:?}");
        rekey(&store, path.path(), &new).await;
        assert_eq!(opens(path.path(), [&former, &new]).await, [false, true]);
        // And once more, which changes nothing.
        rekey(&store, path.path(), &new).await;
        assert_eq!(opens(path.path(), [&former, &new]).await, [false, true]);
        assert_eq!(sources(&store).await, ["the environment"]);
    }
}

#[tokio::test]
async fn a_third_source_may_follow_one_that_was_not_finished() {
    let path = filled().await;
    let (former, second, third) = (KeySource::Default, environment("ab"), environment("cd"));
    let server = open(path.path());
    let command = open(path.path());
    let _ = command.begin_rekey(path.path(), &second).await.unwrap();
    let rekeying = command.begin_rekey(path.path(), &third).await.unwrap();
    assert_eq!(
        opens(path.path(), [&former, &second, &third]).await,
        [true, true, true]
    );
    server.key_ring().await.unwrap();
    command.finish_rekey(rekeying).await.unwrap();
    assert_eq!(
        opens(path.path(), [&former, &second, &third]).await,
        [false, false, true]
    );
    command.rotate(|_| {}).await.unwrap();
    holds(&server).await;
}

#[tokio::test]
async fn a_process_that_looks_at_the_key_ring_goes_on_with_the_new_source() {
    let path = filled().await;
    let (server, ignorant, command) = (open(path.path()), open(path.path()), open(path.path()));
    let rekeying = command
        .begin_rekey(path.path(), &passphrase("correct horse"))
        .await
        .unwrap();
    assert_eq!(
        server.key_ring_version().await.unwrap(),
        rekeying.key_ring_version()
    );
    server.key_ring().await.unwrap();
    command.finish_rekey(rekeying).await.unwrap();
    server.key_ring().await.unwrap();
    for store in [&server, &ignorant] {
        holds(store).await;
        put(store, mine("two"), b"changed").await;
    }
    command.rotate(|_| {}).await.unwrap();
    holds(&server).await;
    put(&server, mine("two"), b"changed again").await;
    // What did not look has no key for what was sealed since.
    let refused = ignorant.read(mine("one").key).await;
    assert!(
        matches!(refused, Err(StoreError::KeySourceChanged)),
        "{refused:?}"
    );
    let refused = ignorant
        .write(mine("two"), b"lost".to_vec().into(), entry())
        .await;
    assert!(
        matches!(refused, Err(StoreError::KeySourceChanged)),
        "{refused:?}"
    );
    let (_, found) = server.read(mine("two").key).await.unwrap().unwrap();
    assert_eq!(found.expose(), b"changed again");
}

#[tokio::test]
async fn a_rekey_goes_together_with_an_unfinished_rotation() {
    let path = filled().await;
    let store = open(path.path());
    super::super::rotation::begin(store.shared()).unwrap();
    let new = environment("ab");
    rekey(&store, path.path(), &new).await;
    assert_eq!(opens(path.path(), [&new]).await, [true]);
    let rotated = store.rotate(|_| {}).await.unwrap();
    assert!(rotated.was_resumed);
    assert_eq!(opens(path.path(), [&new]).await, [true]);
}

#[tokio::test]
async fn a_new_default_key_that_was_not_finished_is_finished_by_the_next() {
    let path = filled().await;
    let default = KeySource::Default;
    let store = open(path.path());
    let _ = store.begin_rekey(path.path(), &default).await.unwrap();
    let next = KeySource::File(path.path().join("store.key.new"));
    assert_eq!(opens(path.path(), [&default, &next]).await, [true, true]);
    let store = open(path.path());
    let rekeying = store.begin_rekey(path.path(), &default).await.unwrap();
    assert_eq!(sources(&store).await.len(), 2);
    // Killed between the renaming and the removal of the former slot.
    std::fs::rename(path.path().join("store.key.new"), path.path().join("store.key")).unwrap();
    drop((store, rekeying));
    let store = open(path.path());
    rekey(&store, path.path(), &default).await;
    assert_eq!(opens(path.path(), [&default]).await, [true]);
    assert_eq!(sources(&store).await.len(), 1);
}

#[tokio::test]
async fn a_rekey_that_is_killed_at_any_moment_leaves_a_store_that_opens() {
    let path = filled().await;
    let store = open(path.path());
    let (former, new) = (KeySource::Default, environment("ab"));
    let copies = copies_while(path.path(), &store, 16, async |store| {
        rekey(store, path.path(), &environment("ab")).await;
        holds(store).await;
        sources(store).await;
    })
    .await;
    let mut seen = std::collections::BTreeSet::new();
    for copy in copies.iter() {
        let opened = opens(copy, [&former, &new]).await;
        assert_ne!(opened, [false, false], "{copy:?}");
        let finisher = if opened[1] { &new } else { &former };
        rekey(&open_with(copy, finisher).unwrap(), copy, &new).await;
        assert_eq!(opens(copy, [&former, &new]).await, [false, true], "{copy:?}");
        seen.insert(opened);
    }
    assert_eq!(seen.len(), 3, "{seen:?}");
}
