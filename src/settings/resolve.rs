//! From flags and environment to the room and the way into it.

use std::cell::OnceCell;

use super::base_url::BaseUrl;
use super::{Access, Environment, Overrides, RoomSettings, SettingsError, SettingsFile};
use crate::sensitive::SensitiveText;
use crate::token::{ApiKey, ApiScope, ParticipantToken};
use crate::wire::{Identity, RoomName};

/// The API that is used if nothing names another.
pub const DEFAULT_API_URL: &str = "https://api.meshagent.com";

/// Resolves which room is meant, and how to get into it (protocol, "Finding a room and joining it").
///
/// The settings file is read only where neither flags nor environment answer; with a participant
/// token that is only where neither gives a URL, so that a token never goes to another API than the
/// user's own.
pub fn resolve(overrides: &Overrides, env: &Environment) -> Result<RoomSettings, SettingsError> {
    let room = match overrides.room.as_deref() {
        Some(room) => room,
        None => env.text("MESHAGENT_ROOM")?.ok_or(SettingsError::NoRoom)?,
    };
    let room = RoomName::new(room).map_err(SettingsError::BadRoom)?;
    let identity = overrides.identity.as_deref().map(Identity::new).transpose();
    let identity = identity.map_err(SettingsError::BadIdentity)?;
    // A flag that names a server wins over the variable.
    let local_by_default = overrides.api_url.is_none() && env.switch("MESHAGENT_LOCAL")?;
    let access = if overrides.local || local_by_default {
        local(env, identity)?
    } else {
        let insecure = env.switch("MESHAGENT_ALLOW_INSECURE")?;
        Resolver {
            overrides,
            env,
            insecure,
            file: OnceCell::new(),
        }
        .access(&room, identity)?
    };
    Ok(RoomSettings { room, access })
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

struct Resolver<'a> {
    overrides: &'a Overrides,
    env: &'a Environment,
    insecure: bool,
    file: OnceCell<SettingsFile>,
}

impl Resolver<'_> {
    fn access(&self, room: &RoomName, identity: Option<Identity>) -> Result<Access, SettingsError> {
        if let Some(identity) = identity {
            let key = self.api_key()?.ok_or(SettingsError::IdentityNeedsApiKey)?;
            let token = ParticipantToken::new(identity, room.clone(), ApiScope::participant());
            return self.with_token(room, token.sign(&key).map_err(SettingsError::Mint)?);
        }
        if self.env.text("MESHAGENT_ROOM")? == Some(room.as_str())
            && let Some(token) = self.token()?
        {
            return self.with_token(room, token);
        }
        self.connect(room)
    }

    fn with_token(&self, room: &RoomName, token: SensitiveText) -> Result<Access, SettingsError> {
        Ok(Access::Token {
            room_url: self.room_base()?.join(&["rooms", room.as_str()]),
            token,
        })
    }

    fn connect(&self, room: &RoomName) -> Result<Access, SettingsError> {
        let key = self.api_key()?;
        let credential = match &key {
            Some(key) => key.text(),
            None => self.access_token()?,
        };
        let project = self.project(key.as_ref())?;
        let (api, origin) = self.api_url()?;
        let connect_url = BaseUrl::api(&api, origin, self.insecure)?.join(&[
            "accounts",
            "projects",
            &project,
            "rooms",
            room.as_str(),
            "connect",
        ]);
        let room_url = self.room_base()?.join(&["rooms", room.as_str()]);
        Ok(Access::Connect {
            connect_url,
            credential,
            room_url,
        })
    }

    fn api_key(&self) -> Result<Option<ApiKey>, SettingsError> {
        let key = self.env.text("MESHAGENT_API_KEY")?.map(ApiKey::parse).transpose();
        key.map_err(SettingsError::BadApiKey)
    }

    /// `MESHAGENT_TOKEN`. It goes into an HTTP header, so it must be visible ASCII.
    fn token(&self) -> Result<Option<SensitiveText>, SettingsError> {
        match self.env.text("MESHAGENT_TOKEN")? {
            Some(token) if token.bytes().all(|b| b.is_ascii_graphic()) => {
                Ok(Some(SensitiveText::new(token.to_owned())))
            }
            Some(_) => Err(SettingsError::BadToken),
            None => Ok(None),
        }
    }

    fn access_token(&self) -> Result<SensitiveText, SettingsError> {
        if let Some(token) = self.token()? {
            return Ok(token);
        }
        let session = self.file()?.session().ok_or(SettingsError::NoCredential)?;
        Ok(session.access_token)
    }

    fn project(&self, key: Option<&ApiKey>) -> Result<String, SettingsError> {
        let project = match (
            &self.overrides.project_id,
            self.env.text("MESHAGENT_PROJECT_ID")?,
            key,
        ) {
            (Some(project), _, _) => project.clone(),
            (None, Some(project), _) => project.to_owned(),
            (None, None, Some(key)) => key.project_id().to_string(),
            (None, None, None) => self
                .file()?
                .active_project()
                .ok_or(SettingsError::NoProject)?
                .to_owned(),
        };
        // A project's id is one segment of a URL's path, and so is a room's name: the same rules.
        RoomName::new(project)
            .map(String::from)
            .map_err(SettingsError::BadProject)
    }

    fn room_base(&self) -> Result<BaseUrl, SettingsError> {
        if let Some(url) = self.env.text("MESHAGENT_ROOM_URL")? {
            return BaseUrl::room(url, "MESHAGENT_ROOM_URL", self.insecure);
        }
        let (url, origin) = self.api_url()?;
        BaseUrl::room(&url, origin, self.insecure)
    }

    /// The API's URL, and where it is from.
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
    fn file(&self) -> Result<&SettingsFile, SettingsError> {
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
