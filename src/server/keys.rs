//! The server's own identity: its project and its API key, made at first use and kept in the store.

use uuid::Uuid;

use super::store::{SqliteStore, StoreError};
use crate::sensitive::{SecretValue, SensitiveText};
use crate::token::{ApiKey, ApiScope, ParticipantToken, TokenError};
use crate::wire::{Identity, RoomName};

/// Name under which the store keeps the API key.
const API_KEY_SETTING: &str = "api_key";

/// The API key that this server accepts and verifies tokens with. It names the project too.
#[derive(Debug, Clone)]
pub struct ServerKeys {
    /// The API key.
    pub api_key: ApiKey,
}

impl ServerKeys {
    /// The keys in `store`, made now if there are none.
    ///
    /// # Errors
    /// What the store says; [`StoreError::Corrupted`] if what it holds is no API key.
    pub fn load(store: &SqliteStore) -> Result<Self, StoreError> {
        let corrupted = || StoreError::Corrupted("the server's API key cannot be read".to_owned());
        let text = if let Some(text) = store.setting(API_KEY_SETTING)? {
            text
        } else {
            let made = SecretValue::new(new_api_key()?.text().expose().as_bytes().to_vec());
            // Of two processes that start at once, one key wins and both use it.
            store.set_setting_if_absent(API_KEY_SETTING, &made)?
        };
        let text = std::str::from_utf8(text.expose()).map_err(|_| corrupted())?;
        Ok(Self {
            api_key: ApiKey::parse(text).map_err(|_| corrupted())?,
        })
    }
}

impl ServerKeys {
    /// Keys of a server that nobody reaches but over a stream inside its process: they end with it.
    ///
    /// # Errors
    /// [`StoreError::Random`].
    pub fn passing() -> Result<Self, StoreError> {
        Ok(Self {
            api_key: new_api_key()?,
        })
    }
}

fn new_api_key() -> Result<ApiKey, StoreError> {
    // The only thing that can fail is the system's randomness.
    ApiKey::generate(Uuid::new_v4()).map_err(|_| StoreError::Random(getrandom::Error::UNEXPECTED))
}

/// A participant token for whoever sits at this machine: `identity` in `room`, an administrator if it
/// is the data directory's owner and not a name taken on.
pub fn local_token(
    api_key: &ApiKey,
    identity: Identity,
    room: RoomName,
    administrator: bool,
) -> Result<SensitiveText, TokenError> {
    let api = if administrator {
        ApiScope::administrator()
    } else {
        ApiScope::participant()
    };
    ParticipantToken::new(identity, room, api).sign(api_key)
}
