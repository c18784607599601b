//! Why a backup cannot be made or restored.

use std::io;
use std::path::PathBuf;

use crate::server::store::StoreError;

/// Why a backup cannot be made or restored. No variant holds a value, a key or a passphrase.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The data directory has no database.
    #[error("there is no store in {0}")]
    NoStore(PathBuf),
    /// The store's key is to be in the backup, and is made of a passphrase.
    #[error("the store's key is made of a passphrase, so that there is no key to include")]
    NoKeyToInclude,
    /// The store's key is to be in a backup that is not encrypted.
    #[error("the store's key is not put into a backup that is not encrypted")]
    KeyWithoutEncryption,
    /// The file is not a backup of this program.
    #[error("this is not a backup of meshagent")]
    NotABackup,
    /// A newer version of the program made the backup.
    #[error(
        "the backup was made by a newer version of meshagent (its format is {found}, this one knows {known})"
    )]
    NewerVersion {
        /// The version of the backup's format.
        found: u8,
        /// The newest version known here.
        known: u8,
    },
    /// The backup is encrypted, and no passphrase was given.
    #[error("the backup is encrypted")]
    Encrypted,
    /// A passphrase was given for a backup that is not encrypted. An attacker may have put it in the place of one that
    /// is.
    #[error("the backup is not encrypted")]
    NotEncrypted,
    /// The first part of the backup does not open.
    #[error("the passphrase does not open the backup, or its beginning is damaged")]
    WrongPassphrase,
    /// The backup is not what was written.
    #[error("the backup is damaged or incomplete: what it holds is not what was written")]
    Damaged,
    /// The key is not in the backup, and none was given.
    #[error("the store's key is not in the backup")]
    KeyNeeded,
    /// The backup is larger than its format can hold (256 TiB).
    #[error("the store is too large for a backup")]
    TooLarge,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system failed.
    #[error("the backup cannot be {action}: {source}")]
    Io {
        /// What was done with it: read or written.
        action: &'static str,
        /// The system's error.
        source: io::Error,
    },
}

impl BackupError {
    /// What to do about it; none if `source` of [`BackupError::Io`] says it.
    pub const fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::NoStore(_) => "name the data directory with --data-dir or MESHAGENT_DATA_DIR",
            Self::NoKeyToInclude => {
                "leave out --include-key, and keep the passphrase in another place than the backup"
            }
            Self::KeyWithoutEncryption => "leave out --include-key or --no-encryption",
            Self::NotABackup => "give a file that `meshagent room backup` wrote",
            Self::NewerVersion { .. } => "update meshagent",
            Self::Encrypted => "give the passphrase with --passphrase-file, without --no-encryption",
            Self::NotEncrypted => {
                "if you made it so, read it with --no-encryption; if not, it is not the file that you made"
            }
            Self::WrongPassphrase => "give the passphrase that it was made with, or use another copy",
            Self::Damaged => "use another copy of the backup",
            Self::KeyNeeded => {
                "name the key with --key-file or --key-passphrase-file; --include-key puts it into a backup"
            }
            Self::TooLarge => "copy the data directory while the server is stopped",
            Self::Store(error) => error.hint(),
            Self::Io { .. } => return None,
        })
    }

    /// An error of the stream that is read or written. One of ours that came through it comes out again. The content
    /// of a whole container that ends too early was not written by this program.
    pub(super) fn from_io(action: &'static str, source: io::Error) -> Self {
        match source.downcast::<Self>() {
            Ok(own) => own,
            Err(source) if source.kind() == io::ErrorKind::UnexpectedEof => Self::Damaged,
            Err(source) => Self::Io { action, source },
        }
    }
}

impl From<BackupError> for io::Error {
    fn from(error: BackupError) -> Self {
        Self::other(error)
    }
}
