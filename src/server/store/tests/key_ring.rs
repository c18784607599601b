//! API keys and revocations at rest.

use super::*;
use crate::clock;
use crate::token::ApiKey;

fn api_key(name: &str, current: bool) -> StoredApiKey {
    StoredApiKey {
        key: ApiKey::generate(uuid::Uuid::from_u128(7)).unwrap(),
        name: name.to_owned(),
        created_at: clock::now(),
        current,
    }
}

fn revocation(tokens: RevokedTokens, revoked_at: u64) -> Revocation {
    Revocation {
        tokens,
        revoked_at,
        expires_at: None,
    }
}

/// The names of the keys, with a star at the current one.
async fn names(store: &SqliteStore) -> Vec<String> {
    let ring = store.key_ring().await.unwrap();
    let name = |stored: &StoredApiKey| format!("{}{}", stored.name, if stored.current { "*" } else { "" });
    ring.api_keys.iter().map(name).collect()
}

async fn revoked(store: &SqliteStore) -> Vec<Revocation> {
    store.key_ring().await.unwrap().revocations
}

#[tokio::test]
async fn several_api_keys_are_kept_and_one_of_them_is_current() {
    let path = tempfile::tempdir().unwrap();
    let store = open(path.path());
    let first = store.key_ring().await.unwrap();
    assert_eq!(names(&store).await, ["*"]);
    let only = store
        .change_key_ring(
            KeyRingChange::Delete(first.api_keys[0].key.id()),
            Actor::default(),
        )
        .await;
    assert!(matches!(only, Err(KeyRingError::OnlyApiKey)), "{only:?}");
    let (ci, new) = (api_key("ci", false), api_key("new", true));
    let version = store
        .change_key_ring(KeyRingChange::Add(ci.clone()), Actor::default())
        .await
        .unwrap();
    assert_eq!(version, first.version + 1);
    assert_eq!(store.key_ring_version().await.unwrap(), version);
    store
        .change_key_ring(KeyRingChange::Add(new.clone()), Actor::default())
        .await
        .unwrap();
    assert_eq!(names(&store).await, ["", "ci", "new*"]);
    store.close().await.unwrap();

    let store = open(path.path());
    let ring = store.key_ring().await.unwrap();
    assert_eq!(ring.api_keys[1].key.text().expose(), ci.key.text().expose());
    store
        .change_key_ring(
            KeyRingChange::Delete(first.api_keys[0].key.id()),
            Actor::default(),
        )
        .await
        .unwrap();
    store
        .change_key_ring(KeyRingChange::Delete(new.key.id()), Actor::default())
        .await
        .unwrap();
    assert_eq!(names(&store).await, ["ci*"]);
    let unknown = store
        .change_key_ring(KeyRingChange::Delete(new.key.id()), Actor::default())
        .await;
    assert!(
        matches!(unknown, Err(KeyRingError::UnknownApiKey(_))),
        "{unknown:?}"
    );
}

#[tokio::test]
async fn there_is_a_limit_of_api_keys() {
    let path = tempfile::tempdir().unwrap();
    let store = open(path.path());
    store.key_ring().await.unwrap();
    for _ in 1..MAX_API_KEYS {
        store
            .change_key_ring(KeyRingChange::Add(api_key("", false)), Actor::default())
            .await
            .unwrap();
    }
    let version = store.key_ring_version().await.unwrap();
    let refused = store
        .change_key_ring(KeyRingChange::Add(api_key("", false)), Actor::default())
        .await;
    assert!(
        matches!(refused, Err(KeyRingError::TooManyApiKeys)),
        "{refused:?}"
    );
    assert_eq!(store.key_ring_version().await.unwrap(), version);
}

#[tokio::test]
async fn revocations_survive_and_never_get_an_earlier_time() {
    let path = tempfile::tempdir().unwrap();
    let store = open(path.path());
    let key = store.key_ring().await.unwrap().api_keys.remove(0).key.id();
    let of_bob = || RevokedTokens::OfIdentity(identity("bob"));
    let revoke = async |store: &SqliteStore, revocation| {
        store
            .change_key_ring(KeyRingChange::Revoke(revocation), Actor::default())
            .await
    };
    for (tokens, at) in [
        (RevokedTokens::WithId("a".into()), 5),
        (RevokedTokens::OfApiKey(key), 6),
        (of_bob(), 7),
        (of_bob(), 3),
    ] {
        revoke(&store, revocation(tokens, at)).await.unwrap();
    }
    store.close().await.unwrap();
    let store = open(path.path());
    let found = revoked(&store).await;
    assert_eq!(found.len(), 3);
    for expected in [
        revocation(RevokedTokens::WithId("a".into()), 5),
        revocation(RevokedTokens::OfApiKey(key), 6),
        revocation(of_bob(), 7),
    ] {
        assert!(found.contains(&expected), "{expected:?}");
    }
    let unknown = revoke(&store, revocation(RevokedTokens::OfApiKey(uuid::Uuid::nil()), 1)).await;
    assert!(
        matches!(unknown, Err(KeyRingError::UnknownApiKey(_))),
        "{unknown:?}"
    );
    // A key's revocation goes with the key.
    store
        .change_key_ring(KeyRingChange::Add(api_key("", false)), Actor::default())
        .await
        .unwrap();
    store
        .change_key_ring(KeyRingChange::Delete(key), Actor::default())
        .await
        .unwrap();
    assert_eq!(revoked(&store).await.len(), 2);
}

#[tokio::test]
async fn a_revocation_is_removed_when_its_token_has_expired() {
    let path = tempfile::tempdir().unwrap();
    let store = open(path.path());
    let revoke = async |id: &str, expires_at| {
        let revocation = Revocation {
            expires_at,
            ..revocation(RevokedTokens::WithId(id.into()), 1)
        };
        store
            .change_key_ring(KeyRingChange::Revoke(revocation), Actor::default())
            .await
            .unwrap();
    };
    let now = clock::now();
    revoke("expired", Some(now - 31)).await;
    revoke("later", Some(now + 600)).await;
    revoke("never", None).await;
    let left: Vec<_> = revoked(&store)
        .await
        .into_iter()
        .map(|left| left.tokens)
        .collect();
    assert_eq!(left.len(), 2);
    assert!(!left.contains(&RevokedTokens::WithId("expired".into())));
}

#[tokio::test]
async fn what_was_changed_in_the_rows_is_noticed() {
    for change in [
        "UPDATE api_key SET name = 'other'",
        "UPDATE api_key SET created_at = 1",
        "UPDATE api_key SET id = '11111111-2222-4333-8444-555555555555'",
        "UPDATE api_key SET sealed = zeroblob(100)",
        "UPDATE revoked SET subject = 'b'",
        "UPDATE revoked SET kind = 'identity'",
        "UPDATE revoked SET kind = 'unknown'",
        "UPDATE revoked SET revoked_at = 1",
        "UPDATE revoked SET expires_at = 1",
        "UPDATE revoked SET mac = x''",
    ] {
        let path = tempfile::tempdir().unwrap();
        let store = open(path.path());
        store.key_ring().await.unwrap();
        let revoke = KeyRingChange::Revoke(revocation(RevokedTokens::WithId("a".into()), 5));
        store.change_key_ring(revoke, Actor::default()).await.unwrap();
        raw(path.path(), change);
        let found = store.key_ring().await;
        assert!(
            matches!(found, Err(StoreError::Corrupted(_))),
            "{change}: {found:?}"
        );
    }
}

#[tokio::test]
async fn another_process_sees_a_change_and_what_was_applied() {
    let path = tempfile::tempdir().unwrap();
    let (server, command) = (open(path.path()), open(path.path()));
    server.key_ring().await.unwrap();
    let version = command
        .change_key_ring(KeyRingChange::Add(api_key("", false)), Actor::default())
        .await
        .unwrap();
    assert_eq!(server.key_ring_version().await.unwrap(), version);
    assert_ne!(command.applied_key_ring().await.unwrap(), version);
    server.set_applied_key_ring(version).await.unwrap();
    assert_eq!(command.applied_key_ring().await.unwrap(), version);
}
