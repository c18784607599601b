//! Lists in pages, and what the database does for one.

use rusqlite::{StatementStatus, params};

use super::*;

fn all(viewer: &str) -> SecretQuery {
    SecretQuery::new(
        RoomName::new("room").unwrap(),
        identity(viewer),
        DelegatedTo::Anyone,
    )
}

async fn found(store: &SqliteStore, query: SecretQuery) -> Vec<SecretKey> {
    let found = store.find(query).await.unwrap().whole().unwrap();
    found.into_iter().map(|secret| secret.record.key).collect()
}

/// A store with own and delegated secrets of alice, some of the same id.
async fn shared(path: &Path) -> SqliteStore {
    let store = open(path);
    for (owner, delegate, id) in [
        ("alice", None, "db"),
        ("alice", None, "db/a"),
        ("alice", Some("bob"), "db/a"),
        ("zoe", Some("alice"), "db/a"),
        ("aaron", Some("alice"), "db/a"),
        ("aaron", Some("alice"), "db/\u{10ffff}x"),
        ("zoe", Some("alice"), "db0"),
        ("alice", Some("alice"), "z"),
        ("bob", None, "db/hidden"),
    ] {
        put(&store, record(key(owner, delegate, id)), b"x").await;
    }
    store
}

#[tokio::test]
async fn pages_have_every_secret_once_whatever_their_size() {
    let path = tempfile::tempdir().unwrap();
    let store = shared(path.path()).await;
    let everything = found(&store, all("alice")).await;
    assert_eq!(everything.len(), 8);
    assert!(everything.is_sorted_by_key(SecretKey::position));
    for limit in 1..=9 {
        let (mut pages, mut after) = (Vec::new(), None);
        loop {
            let query = SecretQuery {
                after: after.clone(),
                limit: Some(limit),
                ..all("alice")
            };
            let page = store.find(query).await.unwrap();
            after = page.secrets.last().map(|last| last.record.key.position());
            assert!(page.secrets.len() <= limit);
            pages.extend(page.secrets.into_iter().map(|secret| secret.record.key));
            if !page.more {
                break;
            }
        }
        assert_eq!(pages, everything, "{limit}");
    }
}

#[tokio::test]
async fn a_prefix_is_what_the_id_starts_with_and_no_pattern() {
    let path = tempfile::tempdir().unwrap();
    let store = shared(path.path()).await;
    for (prefix, count) in [
        ("", 8),
        ("db", 7),
        ("db/", 5),
        ("db/a", 4),
        ("db/\u{10ffff}", 1),
        ("D", 0),
        ("%", 0),
        ("z", 1),
        ("zz", 0),
        ("\u{10ffff}", 0),
    ] {
        let query = SecretQuery {
            prefix: prefix.to_owned(),
            ..all("alice")
        };
        let found = found(&store, query).await;
        assert!(found.iter().all(|key| key.id.as_str().starts_with(prefix)));
        assert_eq!(found.len(), count, "{prefix:?}");
    }
}

#[tokio::test]
async fn an_owner_narrows_what_is_found() {
    let path = tempfile::tempdir().unwrap();
    let store = shared(path.path()).await;
    let of = async |viewer: &str, owner: &str| {
        let query = SecretQuery {
            owner: Some(identity(owner)),
            ..all(viewer)
        };
        found(&store, query).await.len()
    };
    assert_eq!(of("alice", "alice").await, 4);
    assert_eq!(of("alice", "aaron").await, 2);
    assert_eq!(of("alice", "bob").await, 0);
    assert_eq!(of("bob", "alice").await, 1);
}

#[test]
fn every_lookup_uses_an_index() {
    let path = tempfile::tempdir().unwrap();
    drop(open(path.path()));
    let connection = Connection::open(path.path().join(DATABASE)).unwrap();
    for (sql, sorted) in [
        (reader::FIND_OWN, None),
        // Of one id, the rows of different owners.
        (
            reader::FIND_DELEGATED,
            Some("USE TEMP B-TREE FOR LAST TERM OF ORDER BY"),
        ),
    ] {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let mut rows = statement.raw_query();
        let mut steps: Vec<String> = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            steps.push(row.get(3).unwrap());
        }
        let search = steps.remove(0);
        assert!(
            search.starts_with("SEARCH") && search.ends_with("AND id>? AND id<?)"),
            "{search}"
        );
        assert_eq!(search.matches("=?").count(), 2, "{search}");
        assert_eq!(steps, sorted.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn a_page_costs_the_same_wherever_it_is() {
    let path = tempfile::tempdir().unwrap();
    drop(open(path.path()));
    raw(
        path.path(),
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 20000)
         INSERT INTO secret (room, owner, id, delegated_to, kind, type, name, version, mac, key_number, sealed)
         SELECT 'room', owner, printf('%05d', n), delegate, 'stored', '', '', 1, x'', 1, x''
         FROM n, (SELECT 'alice' owner, '' delegate UNION ALL SELECT 'bob', 'alice')",
    );
    let connection = Connection::open(path.path().join(DATABASE)).unwrap();
    for sql in [reader::FIND_OWN, reader::FIND_DELEGATED] {
        let mut statement = connection.prepare(sql).unwrap();
        for (from, end) in [("00000", "1"), ("10000", "2"), ("19990", "2"), ("15000", "15001")] {
            let page = params![
                "room",
                "alice",
                from,
                end,
                "",
                "",
                "",
                None::<&str>,
                None::<&str>,
                None::<&str>,
                100
            ];
            let rows = statement.query_map(page, |_| Ok(())).unwrap().count();
            assert!(rows <= 100);
            let steps = statement.reset_status(StatementStatus::VmStep);
            assert!(steps < 100 * 100, "{steps} steps for {rows} rows from {from}");
        }
    }
}
