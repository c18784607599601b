//! What an owner may have.

use futures_util::future::join_all;

use super::*;

/// Bytes that a sealed value has more than the value.
const SEAL_BYTES: u64 = 40;

fn open_limited(path: &Path, limits: OwnerLimits) -> SqliteStore {
    let options = StoreOptions {
        limits,
        ..StoreOptions::default()
    };
    SqliteStore::open_with(&directory(path), &KeySource::Default, options).unwrap()
}

async fn try_put(store: &SqliteStore, record: SecretRecord, value: &[u8]) -> Result<(), OwnerLimit> {
    match store.write(record, value.to_vec().into(), entry()).await {
        Ok(()) => Ok(()),
        Err(StoreError::OverLimit { limit, .. }) => Err(limit),
        Err(error) => unreachable!("{error}"),
    }
}

#[tokio::test]
async fn an_owner_at_its_limit_replaces_and_deletes_and_adds_nothing() {
    let path = tempfile::tempdir().unwrap();
    let limits = OwnerLimits {
        secrets: 2,
        ..OwnerLimits::NONE
    };
    let store = open_limited(path.path(), limits);
    for id in ["a", "b"] {
        assert_eq!(try_put(&store, mine(id), b"x").await, Ok(()));
    }
    assert_eq!(try_put(&store, mine("c"), b"x").await, Err(OwnerLimit::Secrets));
    let lent = record(key("alice", Some("bob"), "a"));
    assert_eq!(try_put(&store, lent, b"x").await, Err(OwnerLimit::Secrets));
    assert_eq!(try_put(&store, mine("a"), b"longer").await, Ok(()));
    // Another owner, and the same one in another room.
    assert_eq!(try_put(&store, record(key("bob", None, "a")), b"x").await, Ok(()));
    let mut elsewhere = mine("c");
    elsewhere.key.room = RoomName::new("other").unwrap();
    assert_eq!(try_put(&store, elsewhere, b"x").await, Ok(()));
    assert!(store.delete(mine("b").key, entry()).await.unwrap());
    assert_eq!(try_put(&store, mine("c"), b"x").await, Ok(()));
    assert!(!store.contains(mine("b").key).await.unwrap());
}

#[tokio::test]
async fn bytes_are_counted_as_they_are_stored() {
    let path = tempfile::tempdir().unwrap();
    let limits = OwnerLimits {
        bytes: 2 * (SEAL_BYTES + 100),
        ..OwnerLimits::NONE
    };
    let store = open_limited(path.path(), limits);
    let value = |length| vec![b'x'; length];
    assert_eq!(try_put(&store, mine("a"), &value(100)).await, Ok(()));
    assert_eq!(
        try_put(&store, mine("b"), &value(101)).await,
        Err(OwnerLimit::Bytes)
    );
    assert_eq!(try_put(&store, mine("b"), &value(100)).await, Ok(()));
    assert_eq!(try_put(&store, mine("a"), &value(100)).await, Ok(()));
    assert_eq!(
        try_put(&store, mine("a"), &value(101)).await,
        Err(OwnerLimit::Bytes)
    );
    assert_eq!(try_put(&store, mine("a"), &value(50)).await, Ok(()));
    assert_eq!(try_put(&store, mine("b"), &value(150)).await, Ok(()));
    // What the server renews by itself has no limit.
    let renewed = store.replace(mine("a"), value(1000).into(), entry()).await;
    assert!(renewed.unwrap());
    // More than is allowed by now: the same size and less still replace it.
    for length in [1000, 999] {
        assert_eq!(try_put(&store, mine("a"), &value(length)).await, Ok(()));
    }
    store.close().await.unwrap();
    drop(store);

    // The counts are those of the database.
    let store = open_limited(path.path(), limits);
    assert_eq!(try_put(&store, mine("c"), b"").await, Err(OwnerLimit::Bytes));
    assert!(store.delete(mine("a").key, entry()).await.unwrap());
    assert_eq!(try_put(&store, mine("c"), b"").await, Ok(()));
}

#[tokio::test]
async fn an_owner_delegates_so_much_to_one_identity() {
    let path = tempfile::tempdir().unwrap();
    let limits = OwnerLimits {
        delegated: 1,
        ..OwnerLimits::NONE
    };
    let store = open_limited(path.path(), limits);
    let lent = |owner, delegate, id| record(key(owner, Some(delegate), id));
    assert_eq!(try_put(&store, lent("alice", "bob", "a"), b"x").await, Ok(()));
    let more = try_put(&store, lent("alice", "bob", "b"), b"x").await;
    assert_eq!(more, Err(OwnerLimit::Delegated));
    assert_eq!(
        try_put(&store, lent("alice", "bob", "a"), b"longer").await,
        Ok(())
    );
    assert_eq!(try_put(&store, lent("alice", "carol", "b"), b"x").await, Ok(()));
    assert_eq!(try_put(&store, lent("dave", "bob", "b"), b"x").await, Ok(()));
    assert_eq!(try_put(&store, mine("b"), b"x").await, Ok(()));
    assert!(
        store
            .delete(lent("alice", "bob", "a").key, entry())
            .await
            .unwrap()
    );
    assert_eq!(try_put(&store, lent("alice", "bob", "b"), b"x").await, Ok(()));
}

#[tokio::test]
async fn writes_at_the_same_time_do_not_pass_the_limit_together() {
    let path = tempfile::tempdir().unwrap();
    let limits = OwnerLimits {
        secrets: 7,
        ..OwnerLimits::NONE
    };
    let store = open_limited(path.path(), limits);
    let ids: Vec<String> = (0..50).map(|number| number.to_string()).collect();
    let written = join_all(ids.iter().map(|id| try_put(&store, mine(id), b"x"))).await;
    assert_eq!(written.iter().filter(|written| written.is_ok()).count(), 7);
}

/// Sets, replaces, renews and deletes at random: the counts are those of the rows.
#[tokio::test]
async fn counts_are_exact_after_any_changes() {
    let path = tempfile::tempdir().unwrap();
    let limits = OwnerLimits {
        secrets: 6,
        bytes: 600,
        delegated: 2,
    };
    let store = open_limited(path.path(), limits);
    let mut seed = 1_u64;
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % below
    };
    let (mut done, mut refused) = (0, 0);
    for _ in 0..600 {
        let delegate = [None, Some("bob"), Some("carol")][usize::try_from(random(3)).unwrap()];
        let owner = ["alice", "dave"][usize::try_from(random(2)).unwrap()];
        let record = record(key(owner, delegate, &random(4).to_string()));
        let value = vec![0; usize::try_from(random(90)).unwrap()];
        match random(4) {
            0 => drop(store.delete(record.key, entry()).await.unwrap()),
            1 => drop(store.replace(record, value.into(), entry()).await.unwrap()),
            _ => match try_put(&store, record, &value).await {
                Ok(()) => done += 1,
                Err(_) => refused += 1,
            },
        }
    }
    assert!(done > 50 && refused > 50, "{done} done, {refused} refused");
    store.close().await.unwrap();
    let [counted, rows] = counts(path.path());
    assert_eq!(counted, rows);
}
