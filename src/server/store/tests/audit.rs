//! The audit log: what it says, and that nothing about it can be changed without being found.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::*;

fn actor() -> Arc<Actor> {
    Arc::new(Actor {
        identity: Some("alice".into()),
        participant_id: Some("participant-1".into()),
        token_id: Some("token-1".into()),
        api_key_id: Some("key-1".into()),
        peer: Some("127.0.0.1:5000".into()),
    })
}

fn get(id: &str) -> AuditEntry {
    AuditEntry::new(actor(), "get_secret").about(&key("alice", Some("bob"), id))
}

/// A directory whose log has a write and the reads `s1` to `s6`, the entries 1 to 7.
async fn logged() -> tempfile::TempDir {
    let path = tempfile::tempdir().unwrap();
    let store = open(path.path());
    put(&store, mine("one"), CANARY).await;
    for number in 1..=6 {
        store.record(get(&format!("s{number}"))).await.unwrap();
    }
    store.close().await.unwrap();
    path
}

async fn findings(path: &Path, anchors: Vec<Anchor>) -> Vec<Finding> {
    let store = open(path);
    let verified = store.verify_audit(anchors).await.unwrap();
    store.close().await.unwrap();
    verified.findings
}

async fn entries(store: &SqliteStore) -> Vec<RecordedEntry> {
    store.audit_entries(AuditQuery::default()).await.unwrap()
}

#[tokio::test]
async fn changes_and_reads_are_entries_of_one_chain() {
    let path = logged().await;
    let store = open(path.path());
    assert!(store.delete(mine("one").key, entry()).await.unwrap());
    assert!(!store.delete(mine("one").key, entry()).await.unwrap());
    let found = entries(&store).await;
    let numbers: Vec<u64> = found.iter().map(|recorded| recorded.seq).collect();
    assert_eq!(numbers, (1..=9).collect::<Vec<u64>>());
    let outcomes: Vec<_> = found.iter().map(|recorded| recorded.entry.outcome).collect();
    assert_eq!(outcomes[7..], [AuditOutcome::Done, AuditOutcome::NotFound]);
    let read = &found[3].entry;
    assert_eq!(read.actor, actor());
    assert_eq!(read.secret.as_deref(), Some("s3"));
    assert_eq!(
        (
            read.owner.as_deref(),
            read.delegate.as_deref(),
            read.room.as_deref()
        ),
        (Some("alice"), Some("bob"), Some("room"))
    );
    assert_eq!(findings(path.path(), Vec::new()).await, []);
}

/// Each column, changed in each of its bytes; numbers by one, and what is there to NULL and back.
#[tokio::test]
async fn each_byte_of_an_entry_that_is_changed_is_found_and_named() {
    let path = logged().await;
    let texts = [
        "room",
        "identity",
        "participant_id",
        "token_id",
        "api_key_id",
        "peer",
        "operation",
        "owner",
        "secret",
        "delegate",
        "outcome",
    ];
    let store = open(path.path());
    let connection = Connection::open(path.path().join(DATABASE)).unwrap();
    let mut changes = vec![
        "at = at + 1".to_owned(),
        "chain = chain + 1".to_owned(),
        "count = 1".to_owned(),
    ];
    for column in texts {
        let length: i64 = connection
            .query_row(
                &format!("SELECT length({column}) FROM audit WHERE seq = 4"),
                (),
                |row| row.get(0),
            )
            .unwrap();
        assert!(length > 0, "{column}");
        for at in 1..=length {
            changes.push(format!(
                "{column} = substr({column}, 1, {at} - 1) || '~' || substr({column}, {at} + 1)"
            ));
        }
        if !matches!(column, "operation" | "outcome") {
            changes.push(format!("{column} = NULL"));
        }
    }
    for at in 1..=32 {
        for other in ["x'00'", "x'ff'"] {
            changes.push(format!(
                "mac = CAST(substr(mac, 1, {at} - 1) || {other} || substr(mac, {at} + 1) AS BLOB)"
            ));
        }
    }
    changes.push("mac = x''".to_owned());
    let mut named = 0;
    for change in &changes {
        connection
            .execute_batch("BEGIN; CREATE TEMP TABLE kept AS SELECT * FROM audit WHERE seq = 4")
            .unwrap();
        connection
            .execute(&format!("UPDATE audit SET {change} WHERE seq = 4"), ())
            .unwrap();
        let is_other: bool = connection
            .query_row(
                "SELECT EXISTS (SELECT * FROM audit WHERE seq = 4 EXCEPT SELECT * FROM kept)",
                (),
                |row| row.get(0),
            )
            .unwrap();
        connection.execute_batch("COMMIT").unwrap();
        let found = store.verify_audit(Vec::new()).await.unwrap().findings;
        let expected = if is_other {
            vec![Finding::Changed(4)]
        } else {
            Vec::new()
        };
        assert_eq!(found, expected, "{change}");
        named += usize::from(is_other);
        connection
            .execute_batch("REPLACE INTO audit SELECT * FROM kept; DROP TABLE kept")
            .unwrap();
    }
    assert!(named > 140, "{named}");
    assert_eq!(store.verify_audit(Vec::new()).await.unwrap().findings, []);
}

#[tokio::test]
async fn entries_that_are_removed_moved_or_swapped_are_found_and_named() {
    for (change, expected) in [
        ("DELETE FROM audit WHERE seq = 4", vec![Finding::Missing { from: 4, to: 4 }]),
        ("DELETE FROM audit WHERE seq IN (3, 4)", vec![Finding::Missing { from: 3, to: 4 }]),
        ("DELETE FROM audit WHERE seq = 1", vec![Finding::Missing { from: 1, to: 1 }]),
        ("DELETE FROM audit WHERE seq = 7", vec![Finding::Missing { from: 7, to: 7 }]),
        ("DELETE FROM audit", vec![Finding::Missing { from: 1, to: 7 }]),
        (
            "UPDATE audit SET seq = -1 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 5;
            UPDATE audit SET seq = 5 WHERE seq = -1",
            vec![Finding::Changed(3), Finding::Changed(4), Finding::Changed(5)],
        ),
        (
            "UPDATE audit SET seq = 8 WHERE seq = 4",
            vec![
                Finding::Missing { from: 4, to: 4 },
                Finding::Changed(8),
                Finding::BehindHead { from: 8, to: 8 },
            ],
        ),
        (
            "INSERT INTO audit SELECT 8, chain, at, room, identity, participant_id, token_id, api_key_id, peer,
                operation, owner, secret, delegate, outcome, count, mac FROM audit WHERE seq = 7",
            vec![Finding::Changed(8), Finding::BehindHead { from: 8, to: 8 }],
        ),
        ("DELETE FROM audit_head", vec![Finding::HeadMissing, Finding::BehindHead { from: 1, to: 7 }]),
        ("UPDATE audit_head SET head_mac = zeroblob(32)", vec![Finding::HeadChanged]),
        ("UPDATE audit_head SET mac = zeroblob(32)", vec![Finding::HeadChanged]),
        (
            "UPDATE audit_head SET seq = 6",
            vec![Finding::HeadChanged, Finding::BehindHead { from: 7, to: 7 }],
        ),
        (
            "DELETE FROM audit WHERE seq < 4; UPDATE audit_head SET pruned_seq = 3,
                pruned_mac = (SELECT mac FROM audit WHERE seq = 4)",
            vec![Finding::HeadChanged, Finding::Changed(4)],
        ),
    ] {
        let path = logged().await;
        raw(path.path(), change);
        let mut found = findings(path.path(), Vec::new()).await;
        // Between the two that were swapped: what it follows is not there any more.
        if change.contains("seq = -1") {
            found.retain(|finding| *finding != Finding::Changed(6));
        }
        assert_eq!(found, expected, "{change}");
    }
}

/// The end that is cut off together with the head that knew it.
#[tokio::test]
async fn a_tail_that_was_cut_off_is_found_with_an_anchor() {
    let path = logged().await;
    let former = fs_copy(path.path());
    let store = open(path.path());
    for _ in 0..3 {
        store.record(get("later")).await.unwrap();
    }
    let anchor = store.anchor().await.unwrap();
    assert_eq!(anchor.seq, 10);
    store.close().await.unwrap();
    assert_eq!(findings(path.path(), vec![anchor.clone()]).await, []);
    let cut = vec![Finding::CutOff { last: 7, anchor: 10 }];
    assert_eq!(findings(former.path(), Vec::new()).await, []);
    assert_eq!(findings(former.path(), vec![anchor.clone()]).await, cut);

    // Written anew up to the anchor's number.
    let store = open(former.path());
    for _ in 0..3 {
        store.record(get("other")).await.unwrap();
    }
    store.close().await.unwrap();
    assert_eq!(findings(former.path(), Vec::new()).await, []);
    assert_eq!(
        findings(former.path(), vec![anchor]).await,
        [Finding::NotTheAnchor(10)]
    );
}

fn fs_copy(path: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for name in [DATABASE, "store.key"] {
        std::fs::copy(path.join(name), copy.path().join(name)).unwrap();
    }
    copy
}

#[tokio::test]
async fn a_head_that_was_changed_stops_answers() {
    let path = logged().await;
    raw(
        path.path(),
        "UPDATE audit_head SET seq = 5, mac = (SELECT mac FROM audit WHERE seq = 5)",
    );
    let store = open(path.path());
    let refused = store.record(get("s7")).await;
    assert!(matches!(refused, Err(StoreError::Corrupted(_))), "{refused:?}");
    let refused = store.write(mine("two"), CANARY.to_vec().into(), entry()).await;
    assert!(matches!(refused, Err(StoreError::Corrupted(_))), "{refused:?}");
    assert!(!store.contains(mine("two").key).await.unwrap());
}

#[tokio::test]
async fn many_entries_at_once_are_one_chain() {
    let path = tempfile::tempdir().unwrap();
    let store = open(path.path());
    let beside = open(path.path());
    let both = |number: usize| if number.is_multiple_of(3) { &beside } else { &store };
    let recorded = join_all((0..600).map(|number| both(number).record(get(&format!("s{number}"))))).await;
    assert!(recorded.iter().all(Result::is_ok));
    // Not closed: as if the process had been killed.
    drop((store, beside));
    let store = open(path.path());
    let verified = store.verify_audit(Vec::new()).await.unwrap();
    assert_eq!((verified.entries, verified.findings), (600, Vec::new()));
}

#[tokio::test]
async fn entries_that_may_wait_are_synced_within_the_delay() {
    let path = tempfile::tempdir().unwrap();
    let options = StoreOptions {
        audit: AuditMode::Within(Duration::from_millis(30)),
        ..StoreOptions::default()
    };
    let store = SqliteStore::open_with(&directory(path.path()), &KeySource::Default, options).unwrap();
    let acknowledged = || {
        let file = std::fs::read(path.path().join("store.commits")).unwrap();
        u64::from_be_bytes(file[..8].try_into().unwrap())
    };
    put(&store, mine("one"), CANARY).await;
    let synced = acknowledged();
    store.record(get("one")).await.unwrap();
    // Another process sees it: it is committed, though it may not be synced.
    assert_eq!(entries(&open(path.path())).await.len(), 2);
    put(&store, mine("two"), CANARY).await;
    assert!(acknowledged() > synced, "a change is synced at once");
    store.record(get("one")).await.unwrap();
    store.close().await.unwrap();
    assert_eq!(findings(path.path(), Vec::new()).await, []);
}

#[tokio::test]
async fn without_an_audit_log_nothing_is_recorded() {
    let path = tempfile::tempdir().unwrap();
    let options = StoreOptions {
        audit: AuditMode::Off,
        ..StoreOptions::default()
    };
    let store = SqliteStore::open_with(&directory(path.path()), &KeySource::Default, options).unwrap();
    put(&store, mine("one"), CANARY).await;
    store.record(get("one")).await.unwrap();
    assert_eq!(entries(&store).await, []);
}

#[tokio::test]
async fn a_change_of_the_key_ring_is_recorded_with_it() {
    let path = tempfile::tempdir().unwrap();
    let store = open(path.path());
    store.key_ring().await.unwrap();
    let revocation = Revocation {
        tokens: RevokedTokens::WithId("j".repeat(300)),
        revoked_at: 1,
        expires_at: None,
    };
    let admin = || (*actor()).clone();
    store
        .change_key_ring(KeyRingChange::Revoke(revocation), admin())
        .await
        .unwrap();
    let unknown = uuid::Uuid::from_u128(7);
    let refused = store
        .change_key_ring(KeyRingChange::Delete(unknown), admin())
        .await;
    assert!(refused.is_err());
    let found = entries(&store).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].entry.operation, "revoke_token");
    assert_eq!(found[0].entry.secret.as_deref(), Some(&*"j".repeat(255)));
    assert_eq!(found[0].entry.actor, actor());
}

#[tokio::test]
async fn a_full_disk_records_nothing_and_changes_nothing_until_there_is_room() {
    let path = logged().await;
    let store = open(path.path());
    let pages = |count: i64| {
        let limit = move |connection: &mut Connection| {
            connection
                .query_row(&format!("PRAGMA max_page_count = {count}"), (), |_| Ok(()))
                .map_err(StoreError::from)
        };
        store.shared().connections.with(limit).unwrap();
    };
    // Lowered to the present size. The writer takes this connection at its first job.
    pages(1);
    let mut recorded = 7;
    let full = loop {
        match store.record(get("more")).await {
            Ok(()) => recorded += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(full, StoreError::DiskFull), "{full:?}");
    let together = join_all((0..20).map(|_| store.record(get("more")))).await;
    assert!(
        together
            .iter()
            .all(|outcome| matches!(outcome, Err(StoreError::DiskFull)))
    );
    let refused = store.delete(mine("one").key, entry()).await;
    assert!(matches!(refused, Err(StoreError::DiskFull)), "{refused:?}");
    assert!(
        store.contains(mine("one").key).await.unwrap(),
        "not deleted without an entry"
    );
    store.close().await.unwrap();

    let store = open(path.path());
    store.record(get("room again")).await.unwrap();
    let verified = store.verify_audit(Vec::new()).await.unwrap();
    assert_eq!((verified.entries, verified.findings), (recorded + 1, Vec::new()));
}

#[tokio::test]
async fn pruned_entries_leave_a_chain_that_is_verified() {
    let path = tempfile::tempdir().unwrap();
    let store = open(path.path());
    let at = |at: u64| AuditEntry { at, ..get("one") };
    let recorded = join_all((1..=2500).map(|second| store.record(at(second * 1000)))).await;
    assert!(recorded.iter().all(Result::is_ok));
    let early = store.anchor().await.unwrap();
    let user = Actor::default;
    assert_eq!(store.prune_audit(1000, user(), false).await.unwrap(), 0);
    assert_eq!(store.prune_audit(2_400_000, user(), false).await.unwrap(), 2399);
    let verified = store.verify_audit(vec![early]).await.unwrap();
    assert_eq!((verified.pruned_to, verified.findings), (2399, Vec::new()));
    let left = entries(&store).await;
    assert_eq!(left[0].entry.at, 2_400_000);
    let counts: Vec<_> = left
        .iter()
        .filter(|recorded| recorded.entry.operation == "prune_audit")
        .map(|recorded| recorded.entry.count)
        .collect();
    assert_eq!(counts, [Some(1000), Some(1000), Some(399)]);
    // All but the last.
    store.prune_audit(u64::MAX >> 1, user(), false).await.unwrap();
    let verified = store.verify_audit(Vec::new()).await.unwrap();
    assert_eq!(verified.findings, []);
    assert!(verified.entries >= 1);

    raw(path.path(), "UPDATE audit_head SET pruned_seq = pruned_seq - 1");
    assert!(
        store
            .verify_audit(Vec::new())
            .await
            .unwrap()
            .findings
            .contains(&Finding::HeadChanged)
    );
}

#[tokio::test]
async fn a_changed_entry_is_not_pruned_unless_forced() {
    let path = logged().await;
    raw(path.path(), "UPDATE audit SET identity = 'mallory' WHERE seq = 3");
    let store = open(path.path());
    let before = u64::MAX >> 1;
    let refused = store
        .prune_audit(before, Actor::default(), false)
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("entry 3"), "{refused}");
    assert_eq!(
        store.verify_audit(Vec::new()).await.unwrap().findings,
        [Finding::Changed(3)]
    );
    assert_eq!(
        store.prune_audit(before, Actor::default(), true).await.unwrap(),
        6
    );
    assert_eq!(store.verify_audit(Vec::new()).await.unwrap().findings, []);
}

#[tokio::test]
async fn no_value_is_in_the_log() {
    let path = logged().await;
    let store = open(path.path());
    for recorded in entries(&store).await {
        let shown = format!("{recorded:?}");
        assert!(!shown.contains(std::str::from_utf8(CANARY).unwrap()), "{shown}");
    }
}
