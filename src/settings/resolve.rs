//! Resolves flags, environment and settings file to a room and how to join it.

use std::cell::OnceCell;

use url::Url;

use super::base_url::room_base;
use super::{
    Access, Api, Credential, Environment, Overrides, RoomSettings, SettingsError, SettingsFile, Sourced,
    StoredSession,
};
use crate::sensitive::SensitiveText;
use crate::token::{ApiKey, ApiKeyError, ApiScope, ParticipantToken};
use crate::wire::{Identity, RoomName, room_url};

/// The API that is used by default.
pub const DEFAULT_API_URL: &str = "https://api.meshagent.com";

/// Resolves the room and how to join it (`docs/environment.md`, "Where and who").
///
/// The settings file is read only if flags and environment leave something open. With a participant token that is
/// the API's URL, so that the token is sent to the API of the user's choice and to no other.
///
/// # Errors
/// The first value that is missing or not valid.
pub fn resolve(overrides: &Overrides, env: &Environment) -> Result<RoomSettings, SettingsError> {
    let room = match overrides.room.as_deref() {
        Some(room) => room,
        None => env.text("MESHAGENT_ROOM")?.ok_or(SettingsError::NoRoom)?,
    };
    let room = RoomName::new(room).map_err(SettingsError::BadRoom)?;
    let identity = overrides.identity.as_deref().map(Identity::new).transpose();
    let identity = identity.map_err(SettingsError::BadIdentity)?;
    let resolver = Resolver::new(overrides, env)?;
    let (access, origin) = if overrides.local || resolver.is_local_by_default()? {
        (local(env, identity)?, "the data directory")
    } else {
        resolver.access(&room, identity)?
    };
    Ok(RoomSettings { room, access, origin })
}

fn local(env: &Environment, identity: Option<Identity>) -> Result<Access, SettingsError> {
    let explicit_identity = identity.is_some();
    let identity = match identity {
        Some(identity) => identity,
        None => Identity::new(env.user_name().ok_or(SettingsError::NoIdentity)?)
            .map_err(SettingsError::BadIdentity)?,
    };
    Ok(Access::Local {
        data_dir: env.data_dir()?,
        identity,
        explicit_identity,
    })
}

/// Looks values up in flags, environment and settings file, in this order.
pub(super) struct Resolver<'a> {
    overrides: &'a Overrides,
    env: &'a Environment,
    insecure: bool,
    file: OnceCell<SettingsFile>,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(overrides: &'a Overrides, env: &'a Environment) -> Result<Self, SettingsError> {
        Ok(Self {
            overrides,
            env,
            insecure: env.switch("MESHAGENT_ALLOW_INSECURE")?,
            file: OnceCell::new(),
        })
    }

    /// Whether the environment selects local mode. `--api-url` takes precedence over it.
    pub(super) fn is_local_by_default(&self) -> Result<bool, SettingsError> {
        Ok(self.overrides.api_url.is_none() && self.env.switch("MESHAGENT_LOCAL")?)
    }

    /// How to join the room, and the source of the credential.
    fn access(
        &self,
        room: &RoomName,
        identity: Option<Identity>,
    ) -> Result<(Access, &'static str), SettingsError> {
        if let Some(identity) = identity {
            let key = self.signing_key()?.ok_or(SettingsError::IdentityNeedsApiKey)?;
            return self.sign(room, identity, ApiScope::participant(), key);
        }
        if self.env.text("MESHAGENT_ROOM")? == Some(room.as_str())
            && let Some(token) = self.token()?
        {
            return Ok((self.with_token(room, token)?, "MESHAGENT_TOKEN"));
        }
        let key = self.api_key()?;
        if let Some(key) = &key
            && let Some(owner) = self.server_owner(key)?
        {
            return self.sign(room, owner, ApiScope::administrator(), key.clone());
        }
        self.connect(room, key.as_ref())
    }

    fn sign(
        &self,
        room: &RoomName,
        identity: Identity,
        api: ApiScope,
        api_key: ApiKey,
    ) -> Result<(Access, &'static str), SettingsError> {
        let access = Access::Sign {
            room_url: room_url(&self.room_base()?, room),
            token: Box::new(ParticipantToken::new(identity, room.clone(), api)),
            api_key,
        };
        Ok((access, "MESHAGENT_API_KEY"))
    }

    /// The owner of the room server at `MESHAGENT_API_URL`, as its `client.env` names it. None if a flag or variable
    /// leads to another server or project than that file does.
    fn server_owner(&self, key: &ApiKey) -> Result<Option<Identity>, SettingsError> {
        let Some(owner) = self.env.text("MESHAGENT_SERVER_OWNER")? else {
            return Ok(None);
        };
        let names_server = self.overrides.api_url.is_none() && self.env.text("MESHAGENT_API_URL")?.is_some();
        let project = self.project(Some(key))?;
        if !names_server || project.is_none_or(|project| project.value != key.project_id().to_string()) {
            return Ok(None);
        }
        Identity::new(owner).map(Some).map_err(SettingsError::BadOwner)
    }

    fn with_token(&self, room: &RoomName, token: SensitiveText) -> Result<Access, SettingsError> {
        Ok(Access::Token {
            room_url: room_url(&self.room_base()?, room),
            token,
        })
    }

    fn connect(
        &self,
        room: &RoomName,
        key: Option<&ApiKey>,
    ) -> Result<(Access, &'static str), SettingsError> {
        let credential = self.credential(key)?;
        let Sourced {
            value: credential,
            origin,
        } = credential.ok_or(SettingsError::NoCredential)?;
        let project = self.project(key)?.ok_or(SettingsError::NoProject)?;
        // The project's id must be one segment of a URL's path, as a room's name must.
        let project = RoomName::new(project.value).map_err(SettingsError::BadProject)?;
        let access = Access::Connect {
            connect_url: self.api()?.connect(project.as_str(), room.as_str()),
            credential,
            room_url: room_url(&self.room_base()?, room),
        };
        Ok((access, origin))
    }

    /// `MESHAGENT_API_KEY`, if it has the form of API keys: [`ApiKey::parse`]. None for a credential in another form.
    pub(super) fn api_key(&self) -> Result<Option<ApiKey>, SettingsError> {
        match self.signing_key() {
            Err(SettingsError::BadApiKey(ApiKeyError::BadPrefix)) => Ok(None),
            key => key,
        }
    }

    /// `MESHAGENT_API_KEY`, to sign with.
    fn signing_key(&self) -> Result<Option<ApiKey>, SettingsError> {
        let key = self.env.text("MESHAGENT_API_KEY")?.map(ApiKey::parse).transpose();
        key.map_err(SettingsError::BadApiKey)
    }

    /// `MESHAGENT_TOKEN`. It must be visible ASCII, because it is sent in an HTTP header.
    fn token(&self) -> Result<Option<SensitiveText>, SettingsError> {
        match self.env.text("MESHAGENT_TOKEN")? {
            Some(token) if token.bytes().all(|b| b.is_ascii_graphic()) => {
                Ok(Some(SensitiveText::new(token.to_owned())))
            }
            Some(_) => Err(SettingsError::BadToken),
            None => Ok(None),
        }
    }

    /// The credential for the API: the API key, else the token, else the session.
    pub(super) fn credential(
        &self,
        key: Option<&ApiKey>,
    ) -> Result<Option<Sourced<Credential>>, SettingsError> {
        let given = |text, origin| {
            let value = Credential::Given(text);
            Some(Sourced { value, origin })
        };
        if let Some(key) = key {
            return Ok(given(key.text(), "MESHAGENT_API_KEY"));
        }
        // In a form that is not known here: only the API has to understand it.
        if let Some(key) = self.env.text("MESHAGENT_API_KEY")? {
            if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(SettingsError::BadApiKey(ApiKeyError::BadSecret));
            }
            return Ok(given(SensitiveText::new(key.to_owned()), "MESHAGENT_API_KEY"));
        }
        if let Some(token) = self.token()? {
            return Ok(given(token, "MESHAGENT_TOKEN"));
        }
        Ok(self.session()?.map(|stored| Sourced {
            value: Credential::Session(Box::new(stored)),
            origin: "settings.json",
        }))
    }

    /// The session of the settings file.
    pub(super) fn session(&self) -> Result<Option<StoredSession>, SettingsError> {
        let file = self.file()?;
        let Some(mut session) = file.session() else {
            return Ok(None);
        };
        let api = self.api()?;
        // If the file does not name the session's API, the user's choice of the API is trusted.
        if file.api_url().is_some_and(|home| !api.is_at(home)) {
            session.refresh_token = None;
        }
        Ok(Some(StoredSession {
            session,
            api,
            file: SettingsFile::path(self.env)?,
        }))
    }

    /// The project, unchecked.
    pub(super) fn project(&self, key: Option<&ApiKey>) -> Result<Option<Sourced<String>>, SettingsError> {
        let from = |value: String, origin| Some(Sourced { value, origin });
        Ok(
            match (
                &self.overrides.project_id,
                self.env.text("MESHAGENT_PROJECT_ID")?,
                key,
            ) {
                (Some(project), _, _) => from(project.clone(), "--project-id"),
                (None, Some(project), _) => from(project.to_owned(), "MESHAGENT_PROJECT_ID"),
                (None, None, Some(key)) => from(key.project_id().to_string(), "MESHAGENT_API_KEY"),
                (None, None, None) => {
                    let project = self.file()?.active_project();
                    project.and_then(|project| from(project.to_owned(), "settings.json"))
                }
            },
        )
    }

    fn room_base(&self) -> Result<Url, SettingsError> {
        if let Some(url) = self.env.text("MESHAGENT_ROOM_URL")? {
            return room_base(url, "MESHAGENT_ROOM_URL", self.insecure);
        }
        let (url, origin) = self.api_url()?;
        room_base(&url, origin, self.insecure)
    }

    pub(super) fn api(&self) -> Result<Api, SettingsError> {
        let (url, origin) = self.api_url()?;
        Api::new(&url, origin, self.insecure)
    }

    /// The API's URL and its source.
    fn api_url(&self) -> Result<(String, &'static str), SettingsError> {
        if let Some(url) = &self.overrides.api_url {
            return Ok((url.clone(), "--api-url"));
        }
        if let Some(url) = self.env.text("MESHAGENT_API_URL")? {
            return Ok((url.to_owned(), "MESHAGENT_API_URL"));
        }
        match self.file()?.api_url() {
            Some(url) => Ok((url.to_owned(), "settings.json")),
            None => Ok((DEFAULT_API_URL.to_owned(), "the default")),
        }
    }

    /// The settings file, read once; empty if there is no home directory.
    pub(super) fn file(&self) -> Result<&SettingsFile, SettingsError> {
        if let Some(file) = self.file.get() {
            return Ok(file);
        }
        let file = match SettingsFile::path(self.env) {
            Ok(path) => SettingsFile::load(&path)?,
            Err(_) => SettingsFile::default(),
        };
        Ok(self.file.get_or_init(|| file))
    }
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
