//! Large values are stored in parts, of which none is lost, mixed up or left behind.

use super::*;
use crate::server::store::backup;
use crate::server::store::part_writer::SealedPart;
use crate::server::store::parts::{self, PART_BYTES, PartedValue};
use crate::server::store::writer::{Change, NewValue};

/// Bytes of two parts and a bit.
const LENGTH: usize = 2 * PART_BYTES + 100;

fn large(seed: u8) -> Vec<u8> {
    (0..=250).cycle().skip(seed.into()).take(LENGTH).collect()
}

async fn filled_with_large() -> tempfile::TempDir {
    let path = tempfile::tempdir().unwrap();
    let store = open(path.path());
    put(&store, mine("one"), &large(1)).await;
    put(&store, mine("two"), &large(2)).await;
    store.close().await.unwrap();
    path
}

async fn value(store: &SqliteStore, id: &str) -> Result<Vec<u8>, StoreError> {
    let (_, value) = store.read(mine(id).key).await?.unwrap();
    Ok(value.expose().clone())
}

fn number(path: &Path, sql: &str) -> i64 {
    let connection = Connection::open(path.join(DATABASE)).unwrap();
    connection.query_row(sql, (), |row| row.get(0)).unwrap()
}

const PARTS: &str = "SELECT count(*) FROM secret_part";
const UNREFERENCED: &str = "SELECT count(*) FROM unreferenced_value";

#[tokio::test]
async fn a_large_value_is_in_parts_and_comes_back() {
    let path = filled_with_large().await;
    assert_eq!(number(path.path(), PARTS), 6);
    assert_eq!(number(path.path(), UNREFERENCED), 0);
    assert_eq!(number(path.path(), "SELECT max(length(sealed)) FROM secret"), 40);
    let store = open(path.path());
    assert_eq!(value(&store, "one").await.unwrap(), large(1));
    assert_eq!(value(&store, "two").await.unwrap(), large(2));
}

#[tokio::test]
async fn parts_of_replaced_and_deleted_values_are_removed() {
    let path = filled_with_large().await;
    let store = open(path.path());
    put(&store, mine("one"), &large(3)).await;
    assert_eq!(value(&store, "one").await.unwrap(), large(3));
    put(&store, mine("two"), b"small").await;
    store.close().await.unwrap();
    assert_eq!(number(path.path(), PARTS), 3);

    let store = open(path.path());
    assert!(store.delete(mine("one").key, entry()).await.unwrap());
    store.close().await.unwrap();
    assert_eq!(number(path.path(), PARTS), 0);
    assert_eq!(number(path.path(), UNREFERENCED), 0);
    let store = open(path.path());
    assert!(store.read(mine("one").key).await.unwrap().is_none());
    assert_eq!(value(&store, "two").await.unwrap(), b"small");
}

#[tokio::test]
async fn parts_that_were_changed_do_not_open() {
    let with_id = |id: &str| format!("(SELECT substr(extra, 2, 16) FROM secret WHERE id = '{id}')");
    let (one, two) = (with_id("one"), with_id("two"));
    for change in [
        format!("DELETE FROM secret_part WHERE value = {one} AND part = 0"),
        format!("DELETE FROM secret_part WHERE value = {one} AND part = 2"),
        format!(
            "UPDATE secret_part SET part = 9 - part WHERE value = {one} AND part < 2;
            UPDATE secret_part SET part = part - 8 WHERE part > 2"
        ),
        format!(
            "UPDATE secret_part AS p SET sealed = (SELECT sealed FROM secret_part WHERE value = {two} AND part = p.part)
            WHERE value = {one}"
        ),
        format!("UPDATE secret_part SET sealed = substr(sealed, 1, length(sealed) - 1) WHERE value = {one}"),
        format!("UPDATE secret_part SET sealed = zeroblob(length(sealed)) WHERE value = {one} AND part = 2"),
        format!("UPDATE secret_part SET sealed = x'' WHERE value = {one} AND part = 1"),
        format!("PRAGMA foreign_keys = OFF; UPDATE secret_part SET key_number = 2 WHERE value = {one}"),
        "UPDATE secret SET extra = (SELECT extra FROM secret WHERE id = 'two') WHERE id = 'one'".to_owned(),
        "UPDATE secret SET extra = x'' WHERE id = 'one'".to_owned(),
    ] {
        let path = filled_with_large().await;
        raw(path.path(), &change);
        let store = open(path.path());
        let error = value(&store, "one").await.unwrap_err();
        assert!(
            matches!(&error, StoreError::Damaged { id, .. } if id.as_str() == "one"),
            "{change}: {error:?}"
        );
        assert_eq!(value(&store, "two").await.unwrap(), large(2), "{change}");
    }
}

#[tokio::test]
async fn a_backup_proves_the_parts_too() {
    let path = filled_with_large().await;
    backup::prove(path.path(), &KeySource::Default).unwrap();
    raw(path.path(), "DELETE FROM secret_part WHERE number = 4");
    let proved = backup::prove(path.path(), &KeySource::Default);
    assert!(matches!(&proved, Err(StoreError::Damaged { .. })), "{proved:?}");
}

/// What a process leaves that is killed before the row is written.
async fn unfinished(path: &Path) {
    let store = open(path);
    let parts = PartedValue::new(LENGTH).unwrap().unwrap();
    let (key_number, sealed) = parts::seal(
        &store.shared().keys.present(),
        &parts.id,
        0,
        &large(0)[..PART_BYTES],
    )
    .unwrap();
    let part = SealedPart {
        value: parts.id,
        number: 0,
        key_number,
        sealed,
    };
    store.change(Change::Part(part), None).await.unwrap();
    let unlisted = SealedPart {
        value: [8; 16],
        number: 1,
        key_number: 1,
        sealed: Vec::new(),
    };
    let refused = store.change(Change::Part(unlisted), None).await;
    assert!(matches!(refused, Err(StoreError::Busy)), "{refused:?}");
    store.close().await.unwrap();
}

#[tokio::test]
async fn parts_of_an_unfinished_value_are_removed_after_a_day() {
    let path = filled_with_large().await;
    unfinished(path.path()).await;
    for (age, left) in [("since", 7), ("since - 86300", 7), ("since - 90000", 6)] {
        raw(
            path.path(),
            &format!("UPDATE unreferenced_value SET since = {age}"),
        );
        let store = open(path.path());
        put(&store, mine("small"), b"x").await;
        assert_eq!(value(&store, "one").await.unwrap(), large(1));
        store.close().await.unwrap();
        assert_eq!(number(path.path(), PARTS), left, "{age}");
    }
    assert_eq!(number(path.path(), UNREFERENCED), 0);
}

#[tokio::test]
async fn a_value_in_parts_counts_like_one_in_its_row_and_leaves_nothing_where_it_is_refused() {
    let path = tempfile::tempdir().unwrap();
    let limits = OwnerLimits {
        bytes: LENGTH as u64 + 140,
        ..OwnerLimits::NONE
    };
    let options = StoreOptions {
        limits,
        ..StoreOptions::default()
    };
    let limited = || SqliteStore::open_with(&directory(path.path()), &KeySource::Default, options).unwrap();
    let store = limited();
    put(&store, mine("small"), &[0; 60]).await;
    put(&store, mine("one"), &large(1)).await;
    let refused = store.write(mine("two"), large(2).into(), entry()).await;
    assert!(
        matches!(refused, Err(StoreError::OverLimit { .. })),
        "{refused:?}"
    );
    assert!(
        !store
            .replace(mine("gone"), large(2).into(), entry())
            .await
            .unwrap()
    );
    put(&store, mine("one"), &large(3)).await;
    store.close().await.unwrap();
    assert_eq!(number(path.path(), PARTS), 3);
    let bytes = number(path.path(), "SELECT bytes FROM owner_usage");
    assert_eq!(u64::try_from(bytes).unwrap(), limits.bytes);

    let store = limited();
    assert!(store.delete(mine("one").key, entry()).await.unwrap());
    store.close().await.unwrap();
    assert_eq!(number(path.path(), "SELECT bytes FROM owner_usage"), 100);
}

#[tokio::test]
async fn a_value_that_is_replaced_while_it_is_read_is_one_of_both() {
    let path = filled_with_large().await;
    let store = open(path.path());
    let write = async {
        for seed in 0..20 {
            put(&store, mine("one"), &large(seed)).await;
        }
    };
    let read = async {
        for _ in 0..20 {
            let read = value(&store, "one").await.unwrap();
            let seed = read[0];
            assert!(read == large(seed), "{seed}");
        }
    };
    tokio::join!(write, read);
    store.close().await.unwrap();
    assert_eq!(number(path.path(), PARTS), 6);
}

#[tokio::test]
async fn the_write_ahead_log_stays_short_while_a_large_value_is_written() {
    let path = tempfile::tempdir().unwrap();
    let store = open(path.path());
    let log = path.path().join(format!("{DATABASE}-wal"));
    for number in 0..160 {
        let part = SealedPart {
            value: [7; 16],
            number,
            key_number: 1,
            sealed: vec![0; PART_BYTES],
        };
        // 40 MiB in all.
        store.change(Change::Part(part), None).await.unwrap();
    }
    let bytes = std::fs::metadata(&log).unwrap().len();
    assert!(bytes < 24 << 20, "{bytes}");
    store.close().await.unwrap();
    assert!(std::fs::metadata(&log).map_or(0, |log| log.len()) < 1 << 20);
}

#[tokio::test]
async fn a_rotation_seals_the_parts_anew() {
    let path = filled_with_large().await;
    unfinished(path.path()).await;
    let store = open(path.path());
    let third = large(3);
    let (rotated, ()) = tokio::join!(store.rotate(|_| {}), put(&store, mine("three"), &third));
    assert_eq!(rotated.unwrap().damaged, 0);
    for (id, seed) in [("one", 1), ("two", 2), ("three", 3)] {
        assert_eq!(value(&store, id).await.unwrap(), large(seed));
    }
    store.close().await.unwrap();
    for table in ["secret", "secret_part", "store_key"] {
        let column = if table == "store_key" {
            "number"
        } else {
            "key_number"
        };
        let former = number(
            path.path(),
            &format!("SELECT count(*) FROM {table} WHERE {column} = 1"),
        );
        assert_eq!(former, 0, "{table}");
    }
    backup::prove(path.path(), &KeySource::Default).unwrap();
}

/// Before format 7, every value was in its row.
#[tokio::test]
async fn a_large_value_in_its_row_is_still_read_and_replaced() {
    let path = tempfile::tempdir().unwrap();
    let store = open(path.path());
    let former = NewValue::Whole(large(1).into());
    store
        .change(Change::Put(mine("one"), former), None)
        .await
        .unwrap();
    assert_eq!(number(path.path(), PARTS), 0);
    assert_eq!(value(&store, "one").await.unwrap(), large(1));
    put(&store, mine("one"), &large(2)).await;
    assert_eq!(value(&store, "one").await.unwrap(), large(2));
    assert_eq!(number(path.path(), PARTS), 3);
    let bytes = number(path.path(), "SELECT bytes FROM owner_usage");
    assert_eq!(usize::try_from(bytes).unwrap(), LENGTH + 40);
}
