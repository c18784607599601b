//! Errors of the account.

use crate::net::NetError;
use crate::oauth::OAuthError;
use crate::settings::SettingsError;

/// Why a call for the account failed. No variant holds a token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// The settings cannot be read or written.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The API could not be reached.
    #[error(transparent)]
    Net(#[from] NetError),
    /// The token endpoint refused, or its response is not usable.
    #[error(transparent)]
    OAuth(#[from] OAuthError),
    /// The session has expired and cannot be refreshed: sign in again.
    #[error("your sign-in is over")]
    SessionOver,
    /// The API does not accept the credential (HTTP 401 or 403).
    #[error("{host} does not accept the credential: {status}")]
    Refused {
        /// Host and port of the API.
        host: String,
        /// HTTP status code and its name.
        status: String,
    },
    /// The API failed, or the response is not the API's.
    #[error("{host} answered {status}, and not as the API does")]
    BadResponse {
        /// Host and port of the API.
        host: String,
        /// HTTP status code and its name.
        status: String,
    },
    /// The program is ending, so that the session could not be locked.
    #[error("the settings file could not be waited for")]
    Interrupted,
}
