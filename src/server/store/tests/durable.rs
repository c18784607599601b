//! What was acknowledged is there, whatever happens meanwhile.

use std::sync::Arc;

use futures_util::future::join_all;

use super::*;

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
    let api_keys: Vec<_> = std::thread::scope(|scope| {
        let work = |number: usize| {
            let path = path.path();
            move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                let store = open(path);
                runtime.block_on(async {
                    let ring = store.key_ring().await.unwrap();
                    put_numbered(&store, number).await;
                    store.close().await.unwrap();
                    ring.api_keys[0].key.text().expose().clone()
                })
            }
        };
        let threads: Vec<_> = (0..8).map(|number| scope.spawn(work(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(
        api_keys.iter().all(|key| key == &api_keys[0]),
        "all get the same API key"
    );
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let store = open(path.path());
    assert_eq!(runtime.block_on(store.key_ring()).unwrap().api_keys.len(), 1);
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
            .map_err(StoreError::from)
    };
    store.shared().connections.with(limit).unwrap();
    let large = |id| store.write(mine(id), vec![0; 1 << 20].into(), entry());
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
        store.write(mine("one"), vec![].into(), entry()).await,
        Err(StoreError::Closed)
    ));
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_worker_that_died_is_an_error_and_not_a_wait() {
    let worker = worker::Workers::<tokio::sync::oneshot::Sender<()>>::new("dying", 1, |_, _, _| {});
    let path = filled().await;
    let shared = Arc::clone(open(path.path()).shared());
    let (reply, answer) = tokio::sync::oneshot::channel();
    // Whether the thread ends before or after the job is queued, the answer does not come.
    let sent = worker.send(&shared, reply);
    assert!(matches!(sent, Ok(()) | Err(StoreError::Stopped)));
    assert!(answer.await.is_err());
}
