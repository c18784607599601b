//! What each call does.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;

use futures_util::FutureExt as _;

use super::*;

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
async fn a_value_that_is_larger_than_asked_for_tells_its_size_only() {
    let path = tempfile::tempdir().unwrap();
    let store = open(path.path());
    put(&store, mine("large"), &vec![b'x'; 1 << 20]).await;
    let up_to = async |limit| store.read_up_to(mine("large").key, limit).await.unwrap().unwrap();
    let BoundedRead::Larger(bytes) = up_to(1 << 10).await else {
        unreachable!("a megabyte is more than a kilobyte")
    };
    assert!(bytes >= 1 << 20, "{bytes}");
    assert!(matches!(up_to(bytes - 1).await, BoundedRead::Larger(_)));
    let BoundedRead::Whole(found, value) = up_to(bytes).await else {
        unreachable!("so large it was said to be")
    };
    assert_eq!((found, value.expose().len()), (mine("large"), 1 << 20));
    assert!(store.read_up_to(mine("gone").key, 0).await.unwrap().is_none());
}

#[tokio::test]
async fn a_read_whose_caller_stopped_waiting_is_skipped() {
    let path = tempfile::tempdir().unwrap();
    let store = open(path.path());
    let (go, wait) = channel::<()>();
    let mut first = pin!(store.ask(move |_| Ok(wait.recv().is_ok())));
    assert!((&mut first).now_or_never().is_none());
    let read = Arc::new(AtomicBool::new(false));
    let reads = Arc::clone(&read);
    let abandoned = store.ask(move |_| {
        reads.store(true, Ordering::SeqCst);
        Ok(())
    });
    // Asked, and dropped at once.
    assert!(abandoned.now_or_never().is_none());
    go.send(()).unwrap();
    assert!(first.await.unwrap());
    store.close().await.unwrap();
    assert!(!read.load(Ordering::SeqCst));
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
    assert!(store.delete(new.key.clone(), entry()).await.unwrap());
    assert!(!store.delete(new.key.clone(), entry()).await.unwrap());
    assert!(!store.contains(new.key.clone()).await.unwrap());
    assert!(store.read(new.key).await.unwrap().is_none());
}

#[tokio::test]
async fn what_was_deleted_is_not_replaced() {
    let path = filled().await;
    let store = open(path.path());
    let new = SecretRecord {
        name: "new".into(),
        ..mine("one")
    };
    assert!(
        store
            .replace(new.clone(), b"new".to_vec().into(), entry())
            .await
            .unwrap()
    );
    let (found, value) = store.read(new.key.clone()).await.unwrap().unwrap();
    assert_eq!((found, value.expose().as_slice()), (new.clone(), &b"new"[..]));
    // One right after the other: nothing fits between them.
    let deleted = store.delete(new.key.clone(), entry());
    let replaced = store.replace(new.clone(), b"newer".to_vec().into(), entry());
    let (deleted, replaced) = tokio::join!(deleted, replaced);
    assert!(deleted.unwrap() && !replaced.unwrap());
    assert!(store.read(new.key).await.unwrap().is_none());
    assert_eq!(
        store.read(mine("two").key).await.unwrap().unwrap().1.expose(),
        b"other value"
    );
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
        id: id.map(|id| SecretId::new(id).unwrap()),
        name: name.map(Into::into),
        ..SecretQuery::new(RoomName::new("room").unwrap(), identity("alice"), delegated_to)
    };
    let find = async |query| {
        let found = store.find(query).await.unwrap();
        let secrets = found.whole().unwrap().into_iter();
        secrets.map(|secret| secret.record.key).collect::<Vec<_>>()
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
    assert_eq!(
        find(query(Some("b"), None, anyone())).await,
        std::slice::from_ref(&got)
    );
    assert_eq!(find(query(Some("hidden"), None, anyone())).await, []);
    assert_eq!(
        find(query(None, Some("name of b"), anyone())).await,
        std::slice::from_ref(&got)
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
fn the_linked_sqlite_is_new_enough() {
    let connection = Connection::open_in_memory().unwrap();
    let version: String = connection
        .query_row("SELECT sqlite_version()", (), |row| row.get(0))
        .unwrap();
    let version: Vec<u32> = version.split('.').map(|part| part.parse().unwrap()).collect();
    assert!(version >= vec![3, 51, 3], "{version:?}");
}
