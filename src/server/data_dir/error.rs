//! Why a data directory cannot be used.

use std::io;
use std::path::PathBuf;

use url::Url;

pub use crate::fs::NotPrivate;
use crate::net::UnixAddress;

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another server runs on the directory.
    #[error("another server already runs on {path}{}", at(.url.as_ref()))]
    AlreadyServed {
        /// The directory.
        path: PathBuf,
        /// The address of the other server, if it has published one.
        url: Option<Url>,
    },
    /// Local commands kept the directory for longer than a server waits.
    #[error("{path} is in use by other commands")]
    Busy {
        /// The directory.
        path: PathBuf,
    },
    /// A server holds the directory, and did not publish its address in time.
    #[error("a server is starting or stopping on {path} and has not said where it listens")]
    NotReady {
        /// The directory.
        path: PathBuf,
    },
    /// The path is not a directory.
    #[error("{path} is not a directory")]
    NotADirectory {
        /// The path.
        path: PathBuf,
    },
    /// Another user could change the files in the directory, or read one of them.
    #[error("{path} is not private: {reason}")]
    NotPrivate {
        /// The directory or file.
        path: PathBuf,
        /// What is wrong with it.
        reason: NotPrivate,
    },
    /// A variable of `client.env` that a shell would read differently.
    #[error("the value of {name} cannot be written to client.env: it has spaces or special characters")]
    BadValue {
        /// The variable's name.
        name: String,
    },
    /// `client.env` has a line that is not `KEY=VALUE`.
    #[error("line {line} of {path} is not KEY=VALUE")]
    BadClientEnv {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// An operation on a file failed.
    #[error("could not {action} {path}: {source}")]
    Io {
        /// The operation.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

fn at(url: Option<&Url>) -> String {
    match url.map(|url| (url, UnixAddress::of(url))) {
        Some((_, Some(socket))) => format!(", at {socket}"),
        Some((url, None)) => format!(", at {url}"),
        None => String::new(),
    }
}

impl DataDirError {
    /// Whether a file or directory is missing.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    /// What to do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::AlreadyServed { .. } => "stop the other server, or give this one another --data-dir",
            Self::Busy { .. } => "wait until the commands that use it have ended, and try again",
            Self::NotReady { .. } => "try again in a moment; if it stays so, stop that server",
            Self::NotADirectory { .. } => "give another path (MESHAGENT_DATA_DIR)",
            Self::NotPrivate { .. } => {
                "make it yours alone (chmod go-rwx, chown), or use another data directory"
            }
            Self::BadValue { .. } => "use letters, digits and the characters - _ . / : only",
            Self::BadClientEnv { .. } => "start the server again: it writes the file anew",
            Self::Io { .. } => {
                "look at the path's permissions and the disk's free space, or use another directory (MESHAGENT_DATA_DIR)"
            }
        }
    }
}
