//! The API, and the addresses under it (protocol, "Settings file").

use url::Url;

use super::SettingsError;
use super::base_url::api_base;
use crate::wire::HttpEndpoint;

/// The API that is meant, and where its address is from.
#[derive(Debug, Clone)]
pub struct Api {
    base: HttpEndpoint,
    /// Where the address is from: a flag, a variable, the settings file or the default.
    pub origin: &'static str,
}

impl Api {
    pub(super) fn new(text: &str, origin: &'static str, insecure: bool) -> Result<Self, SettingsError> {
        let base = api_base(text, origin, insecure)?;
        Ok(Self { base, origin })
    }

    /// The address itself, without a slash at its end.
    pub fn as_str(&self) -> &str {
        self.base.url().as_str().trim_end_matches('/')
    }

    /// Where a browser signs in.
    pub fn authorization_endpoint(&self) -> HttpEndpoint {
        self.base.join(["oauth", "authorize"])
    }

    /// Where tokens are given out.
    pub fn token_endpoint(&self) -> Url {
        self.base.join(["oauth", "token"]).into_url()
    }

    /// Who the user is.
    pub fn profile(&self) -> Url {
        self.base.join(["accounts", "profiles", "me"]).into_url()
    }

    /// The user's projects.
    pub fn projects(&self) -> Url {
        self.base.join(["accounts", "projects"]).into_url()
    }

    /// Where a room of a project is asked for. Neither is `.` or `..`.
    pub(super) fn connect(&self, project: &str, room: &str) -> Url {
        self.base
            .join(["accounts", "projects", project, "rooms", room, "connect"])
            .into_url()
    }

    /// Whether `text` is the address of this API.
    pub(super) fn is_at(&self, text: &str) -> bool {
        Self::new(text, "", true).is_ok_and(|other| other.as_str() == self.as_str())
    }
}
