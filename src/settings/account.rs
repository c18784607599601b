//! The account: API, credential and defaults, each with its source.

use std::path::PathBuf;

use super::resolve::Resolver;
use super::{Api, Environment, Overrides, Profile, Session, SettingsError, SettingsFile};
use crate::sensitive::SensitiveText;

/// A value with its source: a flag, a variable, the settings file or the default.
#[derive(Debug, Clone)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// The source, as it is named to users.
    pub origin: &'static str,
}

/// The credential of a request to the API.
#[derive(Debug, Clone)]
pub enum Credential {
    /// An API key or a token from the environment.
    Given(SensitiveText),
    /// The session of the settings file, which may have expired and may have to be refreshed.
    Session(Box<StoredSession>),
}

/// The session of the settings file.
#[derive(Debug, Clone)]
pub struct StoredSession {
    /// The session. If it was made at another API than `api`, it has no refresh token here: a refresh token must not
    /// be sent to another API.
    pub session: Session,
    /// The API that the credential is used for.
    pub api: Api,
    /// The path of the settings file.
    pub file: PathBuf,
}

/// The resolved account.
#[derive(Debug, Clone)]
pub struct AccountSettings {
    /// The API.
    pub api: Api,
    /// The credential; none if the user is not signed in.
    pub credential: Option<Sourced<Credential>>,
    /// The session of the settings file, even if another credential takes precedence.
    pub session: Option<StoredSession>,
    /// The project, unchecked.
    pub project: Option<Sourced<String>>,
    /// The room, unchecked.
    pub room: Option<Sourced<String>>,
    /// The profile of the settings file's active user.
    pub profile: Option<Profile>,
    /// The flag or variable that selects local mode; none outside of it.
    pub local: Option<&'static str>,
    /// The path of the settings file.
    pub file: PathBuf,
}

/// Resolves the account. Unlike [`super::resolve()`] it needs no room, and always reads the settings file.
///
/// # Errors
/// The first value that is not valid, or a settings file that cannot be read.
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
