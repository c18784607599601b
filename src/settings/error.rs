//! Errors in the settings, with hints.

use std::io;
use std::path::PathBuf;

use super::BaseUrlError;
use crate::token::ApiKeyError;
use crate::wire::NameError;

/// The kind of an error, for its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingsErrorKind {
    /// A value is missing or not valid.
    Usage,
    /// There is no usable credential.
    NotSignedIn,
    /// The system, or a file, is the reason.
    Failed,
}

/// An error in the settings. No variant holds a credential or a URL.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Neither flag nor environment names a room.
    #[error("no room was given")]
    NoRoom,
    /// The room's name is not valid.
    #[error("the room's name is not valid: {0}")]
    BadRoom(NameError),
    /// The identity is not valid.
    #[error("the identity is not valid: {0}")]
    BadIdentity(NameError),
    /// `MESHAGENT_SERVER_OWNER` is not an identity.
    #[error("MESHAGENT_SERVER_OWNER is not valid: {0}")]
    BadOwner(NameError),
    /// In local mode, neither flag nor environment nor account gives an identity.
    #[error("it is not known who you are")]
    NoIdentity,
    /// `--identity` without an API key to sign a token with.
    #[error("`--identity` needs an API key to sign a participant token with")]
    IdentityNeedsApiKey,
    /// No flag, variable or setting gives the room's project.
    #[error("no project was given")]
    NoProject,
    /// The project's id is not valid.
    #[error("the project's id is not valid: {0}")]
    BadProject(NameError),
    /// A switch in the environment is neither on nor off.
    #[error("{name} is neither `1`, `true`, `0` nor `false`")]
    BadSwitch {
        /// The variable.
        name: &'static str,
    },
    /// A variable is not UTF-8.
    #[error("{name} is not valid UTF-8")]
    NotUtf8 {
        /// The variable.
        name: &'static str,
    },
    /// A URL is not usable as the address of the API or of rooms.
    #[error("the URL in {origin} cannot be used: {problem}")]
    BadUrl {
        /// The source of the URL.
        origin: &'static str,
        /// What is wrong with it.
        problem: BaseUrlError,
    },
    /// The URL is plain `http` or `ws` to another machine, which would show the credential to the network.
    #[error("the URL in {origin} is not encrypted: your credential would travel in clear")]
    InsecureUrl {
        /// The source of the URL.
        origin: &'static str,
    },
    /// There is neither an API key nor a token nor a session.
    #[error("not signed in: there is no credential")]
    NoCredential,
    /// The settings file has no session.
    #[error("not signed in")]
    NotSignedIn,
    /// `MESHAGENT_API_KEY` is not an API key.
    #[error("MESHAGENT_API_KEY is not valid: {0}")]
    BadApiKey(ApiKeyError),
    /// `MESHAGENT_TOKEN` has characters that no token has.
    #[error("MESHAGENT_TOKEN is not valid: it has a space, a control or another character no token has")]
    BadToken,
    /// The home directory is not known.
    #[error("the home directory is not known")]
    NoHome,
    /// The settings file is not a JSON object.
    #[error("{} is not a valid settings file: line {line}, column {column}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Line of the syntax error, from 1; 0 for JSON that is not an object.
        line: usize,
        /// Column of the syntax error, from 1; 0 for JSON that is not an object.
        column: usize,
    },
    /// The settings file is a symbolic link, a directory or something else that is not a regular file.
    #[error("{} is not a regular file, and is not replaced", path.display())]
    NotRegular {
        /// The file.
        path: PathBuf,
    },
    /// A file could not be read, written or locked.
    #[error("{} could not be {action}: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was tried, as a participle: `read`, `written`, `locked`.
        action: &'static str,
        /// The system's reason.
        cause: io::Error,
    },
}

impl SettingsError {
    /// The kind of this error.
    pub const fn kind(&self) -> SettingsErrorKind {
        match self {
            Self::NoCredential | Self::NotSignedIn | Self::BadApiKey(_) | Self::BadToken => {
                SettingsErrorKind::NotSignedIn
            }
            Self::NoHome | Self::Malformed { .. } | Self::NotRegular { .. } | Self::File { .. } => {
                SettingsErrorKind::Failed
            }
            _ => SettingsErrorKind::Usage,
        }
    }

    /// What to do about the error, if the message does not say it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::BadRoom(_) => "a room's name has 1 to 255 bytes and is no path",
            Self::NoRoom => "use `--room NAME` or MESHAGENT_ROOM",
            Self::NoIdentity | Self::BadIdentity(_) => "use `--identity NAME`",
            Self::BadOwner(_) => "take it from the server's client.env, or unset it",
            Self::IdentityNeedsApiKey => "set MESHAGENT_API_KEY, or use --local, or leave out `--identity`",
            Self::NoProject => {
                "use `--project-id ID` or MESHAGENT_PROJECT_ID; a participant token needs MESHAGENT_ROOM instead"
            }
            Self::BadUrl { .. } => "use a URL like https://api.example.com",
            Self::InsecureUrl { .. } => {
                "use https, or set MESHAGENT_ALLOW_INSECURE=1 if the network is trusted"
            }
            Self::NoCredential => {
                "sign in with `meshagent auth login`, or set MESHAGENT_API_KEY, or MESHAGENT_TOKEN with MESHAGENT_ROOM, or use --local"
            }
            Self::NotSignedIn => "sign in with `meshagent auth login`",
            Self::BadApiKey(_) => "set MESHAGENT_API_KEY to the key as it was issued",
            Self::BadToken => "set MESHAGENT_TOKEN to the token as it was issued",
            Self::NoHome => "set HOME, or MESHAGENT_DATA_DIR in local mode",
            Self::Malformed { .. } => "correct the file, or move it away",
            Self::NotRegular { .. } => "move it away",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
