//! Settings: flags, environment and settings file, resolved once into plain values.
//!
//! [`resolve()`] takes the flags ([`Overrides`]) and the [`Environment`] and says which room is meant and how to join
//! it ([`RoomSettings`]); [`resolve_account`] says which account is meant ([`AccountSettings`]). Both read the
//! [`SettingsFile`]. A value that is given more than once is taken from the first of: flag, environment, settings
//! file, default (`docs/environment.md`).
//!
//! ```
//! use meshagent::settings::{Access, Environment, Overrides, resolve};
//!
//! let environment = Environment::from_pairs([
//!     ("MESHAGENT_ROOM", "demo"),
//!     ("MESHAGENT_TOKEN", "a.participant.token"),
//!     ("MESHAGENT_ROOM_URL", "https://rooms.example"),
//! ]);
//! let settings = resolve(&Overrides::default(), &environment)?;
//! let Access::Token { room_url, .. } = settings.access else { unreachable!() };
//! assert_eq!(room_url.as_str(), "wss://rooms.example/rooms/demo");
//! # Ok::<(), meshagent::settings::SettingsError>(())
//! ```
//!
//! No error and no `Debug` output repeats a credential.

mod account;
mod api;
mod base_url;
mod environment;
mod error;
mod file;
#[cfg(test)]
#[path = "../../tests/fuzz/settings.rs"]
mod fuzz;
mod lock;
mod profile;
mod resolve;

use std::path::PathBuf;

use url::Url;

use crate::sensitive::SensitiveText;
use crate::token::{ApiKey, ParticipantToken};
use crate::wire::{Identity, RoomName};

pub use account::{AccountSettings, Credential, Sourced, StoredSession, resolve_account};
pub use api::Api;
pub use base_url::BaseUrlError;
pub use environment::{CREDENTIAL_VARIABLES, Environment};
pub use error::{SettingsError, SettingsErrorKind};
pub use file::SettingsFile;
pub use lock::SettingsLock;
pub use profile::{Profile, Session};
pub use resolve::{DEFAULT_API_URL, resolve};

/// The values of flags, which take precedence over everything else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--room`.
    pub room: Option<String>,
    /// `--project-id`.
    pub project_id: Option<String>,
    /// `--api-url`.
    pub api_url: Option<String>,
    /// `--identity`.
    pub identity: Option<String>,
    /// `--local`.
    pub local: bool,
}

/// The resolved room, and how to join it.
#[derive(Debug, Clone)]
pub struct RoomSettings {
    /// The room's name.
    pub room: RoomName,
    /// How to join it.
    pub access: Access,
    /// The source of the credential, like `MESHAGENT_TOKEN` or `settings.json`.
    pub origin: &'static str,
}

/// How to join a room. URLs of rooms have the scheme `ws` or `wss`.
#[derive(Debug, Clone)]
pub enum Access {
    /// Join directly, with a participant token for the room.
    Token {
        /// The room's address.
        room_url: Url,
        /// The participant token.
        token: SensitiveText,
    },
    /// Join directly, with a participant token that is signed with the API key for each joining. The key is not sent.
    Sign {
        /// The room's address.
        room_url: Url,
        /// The token, which has no expiry yet.
        token: Box<ParticipantToken>,
        /// The key to sign it with.
        api_key: ApiKey,
    },
    /// Make the connect call first, which gives a participant token and the room's address.
    Connect {
        /// The address of the connect call.
        connect_url: Url,
        /// The credential of the connect call.
        credential: Credential,
        /// The room's address, if the response has none.
        room_url: Url,
    },
    /// Join a room on this machine (`docs/environment.md`, "Local mode").
    Local {
        /// The data directory.
        data_dir: PathBuf,
        /// The identity to join as.
        identity: Identity,
        /// True if a flag gave the identity; false if it is the user's name.
        explicit_identity: bool,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_credential() {
        let env = Environment::from_pairs([("MESHAGENT_TOKEN", "canary"), ("MESHAGENT_PROJECT_ID", "p")]);
        let overrides = Overrides {
            room: Some("r".to_owned()),
            ..Overrides::default()
        };
        assert!(!format!("{:?}", resolve(&overrides, &env).unwrap()).contains("canary"));
    }
}
