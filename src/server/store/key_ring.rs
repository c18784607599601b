//! The key ring: the server's API keys, and the tokens that were revoked. Commands change it while a server runs: each
//! change gets the next version, the server looks at the version often, applies the change, and says so. A change of
//! the store keys or of their source gets a version too.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use uuid::Uuid;

use super::api_keys::{self, StoredApiKey};
use super::audit::{self, Actor, AuditEntry};
use super::keys::StoreKeys;
use super::revocations::{self, Revocation, RevokedTokens};
use super::worker::Shared;
use super::{StoreError, commits};
use crate::clock;
use crate::token::ApiKey;

/// Most API keys at the same time. A token that does not name its key is tried with each.
pub const MAX_API_KEYS: usize = 64;

/// Longest name of an API key, in bytes.
pub const MAX_API_KEY_NAME_BYTES: usize = 255;

/// The key ring as it is stored.
#[derive(Debug, Clone)]
pub struct StoredKeyRing {
    /// Counts the changes.
    pub version: u64,
    /// The API keys, the oldest first. One of them is the current one.
    pub api_keys: Vec<StoredApiKey>,
    /// What was revoked.
    pub revocations: Vec<Revocation>,
}

/// A change of the key ring.
#[derive(Debug, Clone)]
pub enum KeyRingChange {
    /// Adds an API key.
    Add(StoredApiKey),
    /// Deletes the API key with this id, and the revocation of its tokens. If it was the current one, the newest of
    /// the others is.
    Delete(Uuid),
    /// Revokes tokens.
    Revoke(Revocation),
}

impl KeyRingChange {
    fn entry(&self, actor: Actor) -> AuditEntry {
        let (operation, name) = match self {
            Self::Add(stored) => ("create_api_key", stored.key.id().to_string()),
            Self::Delete(id) => ("delete_api_key", id.to_string()),
            Self::Revoke(revocation) => match &revocation.tokens {
                RevokedTokens::WithId(id) => ("revoke_token", id.clone()),
                RevokedTokens::OfIdentity(identity) => ("revoke_tokens_of_identity", identity.to_string()),
                RevokedTokens::OfApiKey(id) => ("revoke_tokens_of_api_key", id.to_string()),
            },
        };
        AuditEntry::new(Arc::new(actor), operation).about_named(&name)
    }
}

/// Why the key ring was not changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum KeyRingError {
    /// There is no such key.
    #[error("there is no API key with the id {0}")]
    UnknownApiKey(Uuid),
    /// It is the only key.
    #[error("this is the only API key, and without one no client can sign in")]
    OnlyApiKey,
    /// There are [`MAX_API_KEYS`].
    #[error("there are {MAX_API_KEYS} API keys already")]
    TooManyApiKeys,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl KeyRingError {
    /// What to do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::UnknownApiKey(_) => "`meshagent api-key list` shows the keys",
            Self::OnlyApiKey => "create another one first: meshagent api-key create",
            Self::TooManyApiKeys => "delete those that are not used any more",
            Self::Store(error) => error.hint(),
        }
    }
}

/// Keeps the key ring.
pub trait KeyRingStore: Send + Sync + std::fmt::Debug {
    /// The key ring. Makes the first API key if there is none: of several processes that do so at the same time, all
    /// get the same.
    ///
    /// # Errors
    /// [`StoreError::Corrupted`] if any of it is not what was written.
    fn key_ring(&self) -> BoxFuture<'_, Result<StoredKeyRing, StoreError>>;

    /// The version of the key ring. Cheap.
    fn key_ring_version(&self) -> BoxFuture<'_, Result<u64, StoreError>>;

    /// Changes the key ring, which the audit log says of `actor`, and returns its new version.
    fn change_key_ring(
        &self,
        change: KeyRingChange,
        actor: Actor,
    ) -> BoxFuture<'_, Result<u64, KeyRingError>>;

    /// Records that the server works with the key ring of this version.
    fn set_applied_key_ring(&self, version: u64) -> BoxFuture<'_, Result<(), StoreError>>;

    /// The version that the server works with, if it runs.
    fn applied_key_ring(&self) -> BoxFuture<'_, Result<u64, StoreError>>;
}

pub(super) fn read(shared: &Shared) -> Result<StoredKeyRing, StoreError> {
    shared.connections.with(|connection| {
        let transaction = connection.transaction()?;
        // Also drops a store key that no row uses any more.
        let keys = shared.keys.reload(&transaction)?;
        let ring = select(&transaction, &keys)?;
        drop(transaction);
        if !ring.api_keys.is_empty() {
            return Ok(ring);
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let keys = shared.keys.in_transaction(&transaction)?;
        if api_keys::select(&transaction, &keys)?.is_empty() {
            let former = api_keys::take_former(&transaction, &keys)?;
            let first = StoredApiKey {
                key: match former {
                    Some(key) => key,
                    None => ApiKey::generate(Uuid::new_v4())
                        .map_err(|_| StoreError::Random(getrandom::Error::UNEXPECTED))?,
                },
                name: String::new(),
                created_at: clock::now(),
                current: true,
            };
            api_keys::insert(&transaction, &keys, &first)?;
        }
        let ring = select(&transaction, &keys)?;
        commits::commit(transaction, shared)?;
        Ok(ring)
    })
}

fn select(connection: &Connection, keys: &StoreKeys) -> Result<StoredKeyRing, StoreError> {
    Ok(StoredKeyRing {
        version: number(connection, "version")?,
        api_keys: api_keys::select(connection, keys)?,
        revocations: revocations::select(connection, keys)?,
    })
}

pub(super) fn change(shared: &Shared, change: KeyRingChange, actor: Actor) -> Result<u64, KeyRingError> {
    let entry = change.entry(actor);
    shared.connections.with(|connection| {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let keys = shared.keys.in_transaction(&transaction)?;
        apply(&transaction, &keys, change)?;
        audit::append(&transaction, shared, &entry)?;
        let version = next_version(&transaction)?;
        commits::commit(transaction, shared)?;
        Ok(version)
    })
}

fn apply(transaction: &Transaction<'_>, keys: &StoreKeys, change: KeyRingChange) -> Result<(), KeyRingError> {
    let present = api_keys::select(transaction, keys)?;
    let must_be_present = |id| {
        let found = present.iter().any(|stored| stored.key.id() == id);
        found.then_some(()).ok_or(KeyRingError::UnknownApiKey(id))
    };
    match change {
        KeyRingChange::Add(_) if present.len() >= MAX_API_KEYS => Err(KeyRingError::TooManyApiKeys),
        KeyRingChange::Add(stored) => Ok(api_keys::insert(transaction, keys, &stored)?),
        KeyRingChange::Delete(id) => {
            must_be_present(id)?;
            if present.len() == 1 {
                return Err(KeyRingError::OnlyApiKey);
            }
            api_keys::delete(transaction, id)?;
            Ok(revocations::delete(transaction, &RevokedTokens::OfApiKey(id))?)
        }
        KeyRingChange::Revoke(revocation) => {
            if let RevokedTokens::OfApiKey(id) = revocation.tokens {
                must_be_present(id)?;
            }
            Ok(revocations::insert(transaction, keys, revocation, clock::now())?)
        }
    }
}

/// Gives the key ring its next version, so that a running server reads it again, and the store keys with it.
pub(super) fn next_version(transaction: &Transaction<'_>) -> Result<u64, StoreError> {
    transaction.execute("UPDATE key_ring SET version = version + 1", ())?;
    number(transaction, "version")
}

pub(super) fn version(shared: &Shared) -> Result<u64, StoreError> {
    shared
        .connections
        .with(|connection| number(connection, "version"))
}

pub(super) fn applied(shared: &Shared) -> Result<u64, StoreError> {
    shared
        .connections
        .with(|connection| number(connection, "applied"))
}

pub(super) fn set_applied(shared: &Shared, version: u64) -> Result<(), StoreError> {
    shared.connections.with(|connection| {
        connection.execute("UPDATE key_ring SET applied = ?", [version])?;
        Ok(())
    })
}

fn number(connection: &Connection, column: &str) -> Result<u64, StoreError> {
    let sql = format!("SELECT {column} FROM key_ring");
    Ok(connection.query_row(&sql, (), |row| row.get(0))?)
}
