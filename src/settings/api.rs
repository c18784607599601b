//! The API and its addresses (protocol, "Getting in" and "Settings file").

use url::Url;

use super::SettingsError;
use super::base_url::api_base;
use crate::wire::HttpEndpoint;

/// The API, with the source of its address.
#[derive(Debug, Clone)]
pub struct Api {
    base: HttpEndpoint,
    /// The source of the address: a flag, a variable, the settings file or the default.
    pub origin: &'static str,
}

impl Api {
    pub(super) fn new(text: &str, origin: &'static str, insecure: bool) -> Result<Self, SettingsError> {
        let base = api_base(text, origin, insecure)?;
        Ok(Self { base, origin })
    }

    /// The API's address, without a slash at its end.
    pub fn as_str(&self) -> &str {
        self.base.url().as_str().trim_end_matches('/')
    }

    /// The authorization endpoint.
    pub fn authorization_endpoint(&self) -> HttpEndpoint {
        self.base.join(["oauth", "authorize"])
    }

    /// The token endpoint.
    pub fn token_endpoint(&self) -> Url {
        self.base.join(["oauth", "token"]).into_url()
    }

    /// The address of the user's profile.
    pub fn profile(&self) -> Url {
        self.base.join(["accounts", "profiles", "me"]).into_url()
    }

    /// The address of the list of the user's projects.
    pub fn projects(&self) -> Url {
        self.base.join(["accounts", "projects"]).into_url()
    }

    /// The address of the connect call. `project` and `room` must not be `.` or `..`.
    pub(super) fn connect(&self, project: &str, room: &str) -> Url {
        self.base
            .join(["accounts", "projects", project, "rooms", room, "connect"])
            .into_url()
    }

    /// Whether `text` is this API's address.
    pub(super) fn is_at(&self, text: &str) -> bool {
        Self::new(text, "", true).is_ok_and(|other| other.as_str() == self.as_str())
    }
}
