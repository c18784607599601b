//! The server's API key, which names its project: generated at first use and kept in the store. Below `state`,
//! above `store`.

use std::time::Duration;

use uuid::Uuid;

use super::store::{Store, StoreError};
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
    /// The keys in `store`; generates and stores them if there are none.
    ///
    /// # Errors
    /// Those of the store; [`StoreError::Corrupted`] if the stored value is not an API key.
    pub async fn load(store: &dyn Store) -> Result<Self, StoreError> {
        let corrupted = || StoreError::Corrupted("the server's API key cannot be read".to_owned());
        let text = if let Some(text) = store.setting(API_KEY_SETTING).await? {
            text
        } else {
            let made = SecretValue::new(new_api_key()?.text().expose().as_bytes().to_vec());
            // Two processes that start at the same time use the same key.
            store.set_setting_if_absent(API_KEY_SETTING, made).await?
        };
        let text = std::str::from_utf8(text.expose()).map_err(|_| corrupted())?;
        Ok(Self {
            api_key: ApiKey::parse(text).map_err(|_| corrupted())?,
        })
    }

    /// New keys that are not stored, for a server that is reached inside its process alone.
    ///
    /// # Errors
    /// [`StoreError::Random`].
    pub fn ephemeral() -> Result<Self, StoreError> {
        Ok(Self {
            api_key: new_api_key()?,
        })
    }
}

fn new_api_key() -> Result<ApiKey, StoreError> {
    // Only the system's random numbers can fail.
    ApiKey::generate(Uuid::new_v4()).map_err(|_| StoreError::Random(getrandom::Error::UNEXPECTED))
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
