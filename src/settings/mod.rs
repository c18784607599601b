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
mod lock;
mod profile;
mod resolve;

use std::path::PathBuf;

use url::Url;

use crate::sensitive::SensitiveText;
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

/// What was given by flags. It goes before everything else.
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

/// The room that is meant, and how to get into it.
#[derive(Debug, Clone)]
pub struct RoomSettings {
    /// The room's name.
    pub room: RoomName,
    /// How to get into it.
    pub access: Access,
    /// Where the credential comes from that opens it, like `MESHAGENT_TOKEN` or `settings.json`.
    pub origin: &'static str,
}

/// How to get into a room. URLs of rooms have the scheme `ws` or `wss`.
#[derive(Debug, Clone)]
pub enum Access {
    /// With the room's participant token: join directly.
    Token {
        /// Where the room is.
        room_url: Url,
        /// The participant token.
        token: SensitiveText,
    },
    /// Ask the API for a token and the room's URL first.
    Connect {
        /// Where to ask, by POST.
        connect_url: Url,
        /// What to ask with.
        credential: Credential,
        /// Where the room is if the answer does not say.
        room_url: Url,
    },
    /// The room is on this machine.
    Local {
        /// Where its data is.
        data_dir: PathBuf,
        /// Who to be in it.
        identity: Identity,
        /// Whether the identity was asked for, and is not just the user's name.
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
