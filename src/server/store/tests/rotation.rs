//! A new store key while the store is used, and what a process leaves that is killed meanwhile.

use std::collections::BTreeMap;

use super::killed::copies_while;
use super::*;
use crate::clock;
use crate::server::store::reseal::{Batch, Position};
use crate::server::store::rotation::{self, Pass};
use crate::server::store::seal::Bound;
use crate::token::ApiKey;

type Values = BTreeMap<String, Vec<u8>>;

/// More than two batches.
const SECRETS: usize = 600;

/// A directory with secrets of two owners, API keys and a setting.
async fn filled_with(secrets: usize) -> (tempfile::TempDir, Values) {
    let path = tempfile::tempdir().unwrap();
    let store = open(path.path());
    let mut values = Values::new();
    let written = (0..secrets).map(|number| {
        let id = format!("id-{number}");
        let value = format!("value {number}").into_bytes();
        values.insert(id.clone(), value.clone());
        store.write(mine(&id), value.into(), entry())
    });
    for written in futures_util::future::join_all(written.collect::<Vec<_>>()).await {
        written.unwrap();
    }
    store.key_ring().await.unwrap();
    store
        .change_key_ring(KeyRingChange::Add(api_key()), Actor::default())
        .await
        .unwrap();
    let shared = store.shared();
    let (number, sealed) = shared
        .keys
        .present()
        .seal(setting_bound, &CANARY.to_vec().into())
        .unwrap();
    shared
        .connections
        .with(|connection| {
            let inserted = connection.execute("INSERT INTO setting VALUES ('a', ?, ?)", (number, sealed));
            inserted.map_err(StoreError::from)
        })
        .unwrap();
    store.close().await.unwrap();
    (path, values)
}

fn setting_bound(key: u32, database: &[u8; 16]) -> Bound {
    Bound::setting(key, database, "a")
}

fn api_key() -> StoredApiKey {
    StoredApiKey {
        key: ApiKey::generate(uuid::Uuid::from_u128(7)).unwrap(),
        name: "another".into(),
        created_at: clock::now(),
        current: false,
    }
}

async fn holds(store: &SqliteStore, values: &Values) {
    for (id, value) in values {
        let (_, found) = store.read(mine(id).key).await.unwrap().unwrap();
        assert_eq!(found.expose(), value, "{id}");
    }
    let viewer = SecretQuery::new(
        RoomName::new("room").unwrap(),
        identity("alice"),
        DelegatedTo::Anyone,
    );
    let listed = store.find(viewer).await.unwrap().whole().unwrap();
    assert_eq!(listed.len(), values.len());
    let ring = store.key_ring().await.unwrap();
    assert_eq!(ring.api_keys.len(), 2);
    let shared = store.shared();
    let setting = shared.connections.with(|connection| {
        let found = connection.query_row("SELECT key_number, sealed FROM setting", (), |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))
        });
        found.map_err(StoreError::from)
    });
    let (number, sealed) = setting.unwrap();
    let keys = shared.keys.present();
    assert_eq!(
        keys.open(number, setting_bound, &sealed).unwrap().expose(),
        CANARY
    );
}

/// The rows under each store key, by its number.
async fn rows(store: &SqliteStore) -> Vec<(u32, usize)> {
    let status = store.key_status().await.unwrap();
    status
        .store_keys
        .iter()
        .map(|key| (key.number, key.rows))
        .collect()
}

async fn rotate(store: &SqliteStore) -> Rotated {
    store.rotate(|_| {}).await.unwrap()
}

fn key_number(path: &Path, id: &str) -> u32 {
    let connection = Connection::open(path.join(DATABASE)).unwrap();
    let number = connection.query_row("SELECT key_number FROM secret WHERE id = ?", [id], |row| {
        row.get(0)
    });
    number.unwrap()
}

#[tokio::test]
async fn rotation_seals_every_row_anew_and_removes_the_former_key() {
    let (path, values) = filled_with(SECRETS).await;
    let total = SECRETS + 3;
    let store = open(path.path());
    assert_eq!(rows(&store).await, [(1, total)]);
    for number in 2..4 {
        let expected = Rotated {
            key: number,
            was_resumed: false,
            resealed: total,
            damaged: 0,
        };
        assert_eq!(rotate(&store).await, expected);
        assert_eq!(rows(&store).await, [(number, total)]);
        holds(&store, &values).await;
    }
    store.close().await.unwrap();
    let [counted, found] = counts(path.path());
    assert_eq!(counted, found);
    holds(&open(path.path()), &values).await;
}

#[tokio::test]
async fn a_rotation_that_is_killed_after_any_step_is_finished_by_the_next() {
    let mut steps = 0;
    loop {
        let (path, values) = filled_with(SECRETS).await;
        let total = SECRETS + 3;
        let store = open(path.path());
        let shared = store.shared();
        let mut pass = Pass::default();
        let mut is_done = false;
        for step in 0..steps {
            if step == 0 {
                rotation::begin(shared).unwrap();
            } else if is_done {
                rotation::finish(shared).unwrap();
            } else {
                is_done = rotation::step(shared, &mut pass).unwrap().is_none();
            }
        }
        drop(store);

        let store = open(path.path());
        holds(&store, &values).await;
        let under: usize = rows(&store).await.iter().map(|(_, rows)| rows).sum();
        assert_eq!(under, total);
        let was_begun = rows(&store).await.len() == 2;
        let rotated = rotate(&store).await;
        assert_eq!(rotated.was_resumed, was_begun, "{steps} steps");
        assert_eq!(rows(&store).await, [(rotated.key, total)]);
        holds(&store, &values).await;
        if steps > 0 && !was_begun {
            break;
        }
        steps += 1;
    }
    assert!(steps > 5, "{steps}");
}

#[tokio::test]
async fn a_rotation_that_is_killed_within_a_step_leaves_a_store_that_opens() {
    let (path, values) = filled_with(40).await;
    let store = open(path.path());
    let copies = copies_while(path.path(), &store, 200, async |store| {
        rotate(store).await;
    })
    .await;
    assert!(copies.len() > 10, "{}", copies.len());
    for copy in copies.iter() {
        let store = open(copy);
        holds(&store, &values).await;
        assert_eq!(rows(&store).await.iter().map(|(_, rows)| rows).sum::<usize>(), 43);
        rotate(&store).await;
        assert_eq!(rows(&store).await.len(), 1);
        holds(&store, &values).await;
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn another_process_writes_with_the_new_key_at_once_and_reads_both() {
    let (path, mut values) = filled_with(3).await;
    let (server, command) = (open(path.path()), open(path.path()));
    holds(&server, &values).await;
    rotation::begin(command.shared()).unwrap();
    put(&server, mine("id-1"), b"changed").await;
    put(&server, mine("new"), b"new").await;
    values.insert("id-1".into(), b"changed".to_vec());
    values.insert("new".into(), b"new".to_vec());
    assert_eq!(key_number(path.path(), "id-1"), 2);
    assert_eq!(key_number(path.path(), "new"), 2);
    assert_eq!(key_number(path.path(), "id-2"), 1);
    holds(&server, &values).await;
    holds(&command, &values).await;
    rotate(&command).await;
    holds(&server, &values).await;
    // Twice without a look in between: no key is known that is still in use.
    let stale = open(path.path());
    rotate(&command).await;
    rotate(&command).await;
    let (_, found) = stale.read(mine("id-2").key).await.unwrap().unwrap();
    assert_eq!(found.expose(), b"value 2");
    let stale = open(path.path());
    rotate(&command).await;
    stale
        .change_key_ring(KeyRingChange::Add(api_key()), Actor::default())
        .await
        .unwrap();
    assert_eq!(rows(&command).await, [(5, 8)]);
}

#[tokio::test]
async fn what_is_written_while_a_batch_is_sealed_stays() {
    let (path, _) = filled_with(3).await;
    let (server, command) = (open(path.path()), open(path.path()));
    let shared = command.shared();
    rotation::begin(shared).unwrap();
    let keys = shared.keys.present();
    let batch = shared
        .connections
        .with(|connection| Batch::read(connection, &keys, Position::default()))
        .unwrap()
        .unwrap();
    put(&server, mine("id-0"), b"changed").await;
    server.delete(mine("id-1").key, entry()).await.unwrap();
    let written = shared.connections.with(|connection| {
        let transaction = connection.transaction()?;
        let written = batch.write(&transaction)?;
        transaction.commit()?;
        Ok::<_, StoreError>(written)
    });
    assert_eq!(written.unwrap(), 1);
    let (_, found) = server.read(mine("id-0").key).await.unwrap().unwrap();
    assert_eq!(found.expose(), b"changed");
    assert!(server.read(mine("id-1").key).await.unwrap().is_none());
    let (_, found) = server.read(mine("id-2").key).await.unwrap().unwrap();
    assert_eq!(found.expose(), b"value 2");
}

#[tokio::test]
async fn a_damaged_row_keeps_its_key_and_no_other() {
    let (path, mut values) = filled_with(300).await;
    raw(path.path(), "UPDATE secret SET name = 'x' WHERE id = 'id-7'");
    values.remove("id-7");
    let store = open(path.path());
    for number in 2..4 {
        let rotated = rotate(&store).await;
        assert_eq!((rotated.key, rotated.damaged), (number, 1));
        assert_eq!(rows(&store).await, [(1, 1), (number, 302)]);
    }
    assert_eq!(store.rows_to_reseal().await.unwrap(), 1);
    let damaged = store.read(mine("id-7").key).await;
    assert!(matches!(damaged, Err(StoreError::Damaged { .. })), "{damaged:?}");
    for (id, value) in &values {
        let (_, found) = store.read(mine(id).key).await.unwrap().unwrap();
        assert_eq!(found.expose(), value, "{id}");
    }
    // When it is gone, so is its key.
    store.delete(mine("id-7").key, entry()).await.unwrap();
    assert!(rotate(&store).await.was_resumed);
    assert_eq!(rows(&store).await, [(3, 302)]);
    assert_eq!(store.rows_to_reseal().await.unwrap(), 0);
}

#[tokio::test]
async fn a_batch_has_few_large_values() {
    let path = tempfile::tempdir().unwrap();
    let store = open(path.path());
    for id in ["a", "b", "c"] {
        put(&store, mine(id), &vec![7; 3 << 20]).await;
    }
    let shared = store.shared();
    rotation::begin(shared).unwrap();
    let mut pass = Pass::default();
    let mut resealed = Vec::new();
    while rotation::step(shared, &mut pass).unwrap().is_some() {
        resealed.push(pass.resealed);
    }
    // Three rows, and 12 parts of each value, 16 at a time.
    assert_eq!(resealed, [3, 19, 35, 39, 39, 39]);
}
