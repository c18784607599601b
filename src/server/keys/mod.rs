//! The API keys that the server accepts and verifies tokens with, and the tokens that were revoked. Both are kept in
//! the store, where commands change them while the server runs. Below `state`, above `store`.

mod key_ring;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use self::key_ring::KeyRing;
use super::caller::Caller;
use super::log_interval::LogInterval;
use super::store::{KeyRingStore, StoreError, StoredApiKey, StoredKeyRing};
use crate::clock;
use crate::sensitive::SensitiveText;
use crate::token::{ApiKey, ApiScope, ParticipantToken, TokenError};
use crate::wire::{Identity, RoomName};

/// How often the server looks for changes in the store.
const CHECK_INTERVAL: Duration = Duration::from_millis(250);

/// A server's [`KeyRing`], which may change while the server runs.
#[derive(Debug)]
pub struct ServerKeys {
    ring: watch::Sender<Arc<KeyRing>>,
    /// None if the keys are not stored.
    store: Option<Arc<dyn KeyRingStore>>,
}

impl ServerKeys {
    /// The keys in `store`; generates and stores the first API key if there is none.
    ///
    /// # Errors
    /// Those of the store; [`StoreError::Corrupted`] if the stored keys cannot be used.
    pub async fn load(store: Arc<dyn KeyRingStore>) -> Result<Self, StoreError> {
        let ring = KeyRing::new(store.key_ring().await?)?;
        Ok(Self {
            ring: watch::Sender::new(Arc::new(ring)),
            store: Some(store),
        })
    }

    /// New keys that are not stored, for a server that is reached inside its process alone.
    ///
    /// # Errors
    /// [`StoreError::Random`].
    pub fn ephemeral() -> Result<Self, StoreError> {
        // Only the system's random numbers can fail.
        let key =
            ApiKey::generate(Uuid::new_v4()).map_err(|_| StoreError::Random(getrandom::Error::UNEXPECTED))?;
        let ring = KeyRing::new(StoredKeyRing {
            version: 0,
            api_keys: vec![StoredApiKey {
                key,
                name: String::new(),
                created_at: clock::now(),
                current: true,
            }],
            revocations: Vec::new(),
        })?;
        Ok(Self {
            ring: watch::Sender::new(Arc::new(ring)),
            store: None,
        })
    }

    /// The present key ring.
    pub fn ring(&self) -> Arc<KeyRing> {
        Arc::clone(&self.ring.borrow())
    }

    /// Applies the changes that commands make in the store, until `stop` is cancelled. When a change has been applied,
    /// the store is told.
    pub(super) async fn follow(&self, stop: CancellationToken) {
        let Some(store) = &self.store else {
            return;
        };
        let mut applied = None;
        let mut failures = LogInterval::default();
        loop {
            if let Err(error) = self.apply_changes(&**store, &mut applied).await
                && let Some(times) = failures.event(Instant::now())
            {
                tracing::error!(%error, times, "API keys and revocations cannot be read: the known ones stay in force");
            }
            if timeout(CHECK_INTERVAL, stop.cancelled()).await.is_ok() {
                return;
            }
        }
    }

    async fn apply_changes(
        &self,
        store: &dyn KeyRingStore,
        applied: &mut Option<u64>,
    ) -> Result<(), StoreError> {
        if *applied == Some(store.key_ring_version().await?) {
            return Ok(());
        }
        let ring = KeyRing::new(store.key_ring().await?)?;
        let version = ring.version();
        self.ring.send_replace(Arc::new(ring));
        store.set_applied_key_ring(version).await?;
        *applied = Some(version);
        tracing::info!(version, "API keys and revocations are applied");
        Ok(())
    }

    /// Whether the token of `caller`, which was accepted, still is.
    ///
    /// # Errors
    /// [`TokenError::Revoked`]; [`TokenError::UnknownKey`] if its API key was deleted.
    pub(super) fn check(&self, caller: &Caller) -> Result<(), TokenError> {
        self.ring.borrow().check(&caller.identity, &caller.token)
    }

    /// Waits until the token of `caller` is not accepted any more, and says why.
    pub(super) async fn refused(&self, caller: &Caller) -> TokenError {
        let mut changes = self.ring.subscribe();
        loop {
            if let Err(refused) = changes.borrow_and_update().check(&caller.identity, &caller.token) {
                return refused;
            }
            if changes.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }
}

/// A participant token for the user of this machine, valid for `lifetime` from now: `identity` in `room`, as an
/// administrator if that is the owner of the data directory and not another name that the user chose.
pub fn local_token(
    api_key: &ApiKey,
    identity: Identity,
    room: RoomName,
    administrator: bool,
    lifetime: Duration,
) -> Result<SensitiveText, TokenError> {
    let api = if administrator {
        ApiScope::administrator()
    } else {
        ApiScope::participant()
    };
    ParticipantToken::new(identity, room, api)
        .valid_for(lifetime)
        .sign(api_key)
}
