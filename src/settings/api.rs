//! The API and its addresses (protocol, "Getting in" and "Settings file").

use url::Url;

use super::SettingsError;
use super::base_url::{BaseUrlError, api_base};
use crate::net::UnixAddress;
use crate::wire::HttpEndpoint;

/// The API, with the source of its address.
#[derive(Debug, Clone)]
pub struct Api {
    base: Url,
    /// Its address, without a slash at its end.
    text: String,
    /// The source of the address: a flag, a variable, the settings file or the default.
    pub origin: &'static str,
}

impl Api {
    pub(super) fn new(text: &str, origin: &'static str, insecure: bool) -> Result<Self, SettingsError> {
        let base = api_base(text, origin, insecure)?;
        let text = match UnixAddress::of(&base) {
            Some(socket) => socket.to_string(),
            None => base.as_str().trim_end_matches('/').to_owned(),
        };
        Ok(Self { base, text, origin })
    }

    /// The API's address, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The authorization endpoint.
    ///
    /// # Errors
    /// [`SettingsError::BadUrl`] if the API is at a Unix socket, which a browser does not reach.
    pub fn authorization_endpoint(&self) -> Result<HttpEndpoint, SettingsError> {
        let url = self.join(&["oauth", "authorize"]);
        HttpEndpoint::parse(url).map_err(|error| SettingsError::BadUrl {
            origin: self.origin,
            problem: BaseUrlError::Endpoint(error),
        })
    }

    /// The token endpoint.
    pub fn token_endpoint(&self) -> Url {
        self.join(&["oauth", "token"])
    }

    /// The address at which a room server says that it is alive. Another API may not have it.
    pub fn health(&self) -> Url {
        self.join(&["healthz"])
    }

    /// Its URL.
    pub const fn url(&self) -> &Url {
        &self.base
    }

    /// The address of the user's profile.
    pub fn profile(&self) -> Url {
        self.join(&["accounts", "profiles", "me"])
    }

    /// The address of the list of the user's projects.
    pub fn projects(&self) -> Url {
        self.join(&["accounts", "projects"])
    }

    /// The address of the connect call. `project` and `room` must not be `.` or `..`.
    pub(super) fn connect(&self, project: &str, room: &str) -> Url {
        self.join(&["accounts", "projects", project, "rooms", room, "connect"])
    }

    /// An address below the API's. `.` and `..` must not be among the segments.
    fn join(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        // Every base has a path that can be extended.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// Whether `text` is this API's address.
    pub(super) fn is_at(&self, text: &str) -> bool {
        Self::new(text, "", true).is_ok_and(|other| other.as_str() == self.as_str())
    }
}
