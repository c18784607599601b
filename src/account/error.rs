//! What can go wrong with an account.

use crate::net::NetError;
use crate::oauth::OAuthError;
use crate::settings::SettingsError;

/// Why the API did not do what was asked of it for an account. No variant holds a token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// The settings cannot be read or written.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The API could not be reached.
    #[error(transparent)]
    Net(#[from] NetError),
    /// The token endpoint did not give tokens.
    #[error(transparent)]
    OAuth(#[from] OAuthError),
    /// The login is over, and nothing can prolong it.
    #[error("your sign-in is over")]
    SessionOver,
    /// The API does not accept the credential (401 or 403).
    #[error("{host} does not accept the credential: {status}")]
    Refused {
        /// Host and port that was asked.
        host: String,
        /// HTTP status code and its name.
        status: String,
    },
    /// What answered is not the API, or it failed.
    #[error("{host} answered {status}, and not as the API does")]
    BadResponse {
        /// Host and port that was asked.
        host: String,
        /// HTTP status code and its name.
        status: String,
    },
    /// The system could not do it.
    #[error("the settings file could not be waited for")]
    Interrupted,
}
