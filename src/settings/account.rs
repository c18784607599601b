//! Whose account is meant: the API, the credential, and what else is set, each with where it is from.

use std::path::PathBuf;

use super::resolve::Resolver;
use super::{Api, Environment, Overrides, Profile, Session, SettingsError, SettingsFile};
use crate::sensitive::SensitiveText;

/// A value, and where it is from: a flag, a variable, the settings file or the default.
#[derive(Debug, Clone)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Where it is from.
    pub origin: &'static str,
}

/// What a request to the API is made with.
#[derive(Debug, Clone)]
pub enum Credential {
    /// An API key or a token that was given as it is.
    Given(SensitiveText),
    /// The login of the settings file, which may be over and need to be refreshed.
    Session(Box<StoredSession>),
}

/// The login of the settings file.
#[derive(Debug, Clone)]
pub struct StoredSession {
    /// The login. It has no refresh token where the API is another than it was made at: a refresh token
    /// goes nowhere else.
    pub session: Session,
    /// The API that is asked.
    pub api: Api,
    /// The settings file.
    pub file: PathBuf,
}

/// Whose account is meant.
#[derive(Debug, Clone)]
pub struct AccountSettings {
    /// The API.
    pub api: Api,
    /// What to ask it with; none if nobody is signed in.
    pub credential: Option<Sourced<Credential>>,
    /// The login of the settings file, whatever goes before it.
    pub session: Option<StoredSession>,
    /// The project, as it is written.
    pub project: Option<Sourced<String>>,
    /// The room, as it is written.
    pub room: Option<Sourced<String>>,
    /// Who the active user of the settings file is.
    pub profile: Option<Profile>,
    /// Whether rooms on this machine are used, and what says so.
    pub local: Option<&'static str>,
    /// The settings file.
    pub file: PathBuf,
}

/// Resolves whose account is meant. Unlike [`super::resolve`] it needs no room, and reads the settings
/// file in any case.
pub fn resolve_account(overrides: &Overrides, env: &Environment) -> Result<AccountSettings, SettingsError> {
    let resolver = Resolver::new(overrides, env)?;
    let key = resolver.api_key()?;
    let flag = |value: &Option<String>, origin| value.clone().map(|value| Sourced { value, origin });
    let room = match flag(&overrides.room, "--room") {
        Some(room) => Some(room),
        None => env.text("MESHAGENT_ROOM")?.map(|room| Sourced {
            value: room.to_owned(),
            origin: "MESHAGENT_ROOM",
        }),
    };
    let local = if overrides.local {
        Some("--local")
    } else {
        resolver.is_local_by_default()?.then_some("MESHAGENT_LOCAL")
    };
    Ok(AccountSettings {
        api: resolver.api()?,
        credential: resolver.credential(key.as_ref())?,
        session: resolver.session()?,
        project: resolver.project(key.as_ref())?,
        room,
        profile: resolver.file()?.profile(),
        local,
        file: SettingsFile::path(env)?,
    })
}
