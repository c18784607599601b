//! Why the store fails. Free of the types of any one database.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::OwnerLimit;
use crate::wire::{RoomName, SecretId};

/// Why the store fails. No variant holds a value or a key.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// A newer version of the program made the database.
    #[error(
        "the database was made by a newer version of meshagent (its format is {found}, this one knows {known})"
    )]
    NewerVersion {
        /// The format of the database.
        found: i64,
        /// The newest format known here.
        known: i64,
    },
    /// The database is in a format that is older than what the operation supports.
    #[error("the database is in format {found}, of an older version of meshagent")]
    OlderVersion {
        /// The format of the database.
        found: i64,
    },
    /// The file is not a database of this program.
    #[error("{0} is not a meshagent database")]
    Foreign(PathBuf),
    /// The key does not open this database.
    #[error("the key does not open this database, whose key came from {made_with}")]
    WrongKey {
        /// Where the key came from when the database was made.
        made_with: String,
    },
    /// The database is there and the key file is not.
    #[error("{path} is missing, and the database's key came from {made_with}")]
    KeyMissing {
        /// Where the key file was looked for.
        path: PathBuf,
        /// Where the key came from when the database was made.
        made_with: String,
    },
    /// While this process had the database open, the source of its key was changed, and the store keys after that.
    #[error("the source of the database's key was changed meanwhile")]
    KeySourceChanged,
    /// The source of the key is being changed, which does not go together with the operation.
    #[error("a change of the key's source is not finished")]
    RekeyUnfinished,
    /// The program that is to print the key did not do so.
    #[error("the key command `{program}` gave no key: {reason}")]
    KeyCommand {
        /// The program, without its arguments.
        program: String,
        /// What went wrong.
        reason: String,
    },
    /// The key cannot be used.
    #[error("the key from {origin} cannot be used: {reason}")]
    BadKey {
        /// The file or variable.
        origin: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The secret's row is not what was written.
    #[error("the secret {id} in room {room} is damaged: what is stored is not what was written")]
    Damaged {
        /// The room.
        room: RoomName,
        /// The id.
        id: SecretId,
    },
    /// A newer version of the program wrote the secret, in a form that this one does not know.
    #[error("the secret {id} in room {room} was written by a newer version of meshagent")]
    NewerSecret {
        /// The room.
        room: RoomName,
        /// The id.
        id: SecretId,
    },
    /// Another part of the database is not what was written.
    #[error("the database is damaged: {0}")]
    Corrupted(String),
    /// The database is missing or empty, but other files of the store exist.
    #[error("{database} is {how}, and {beside} is there: a store was here, and this is not it")]
    Gone {
        /// The database.
        database: PathBuf,
        /// What is wrong with it: missing, or empty.
        how: &'static str,
        /// The file that shows that a store was here.
        beside: PathBuf,
    },
    /// The database lacks acknowledged transactions.
    #[error(
        "the database holds {found} transactions of the {acknowledged} that were acknowledged: its write-ahead log is damaged, or it is an older copy"
    )]
    Behind {
        /// Transactions in the database.
        found: u64,
        /// Transactions that were acknowledged.
        acknowledged: u64,
    },
    /// The disk is full.
    #[error("the disk is full; nothing was changed")]
    DiskFull,
    /// The database or its directory cannot be written to.
    #[error("the database cannot be written to")]
    ReadOnly,
    /// Another process kept the database for too long.
    #[error("another process keeps the database busy")]
    Busy,
    /// The value is larger than a database row can be.
    #[error("the value is too large to be stored")]
    TooLarge,
    /// The owner would have more in the room than it may.
    #[error("{}", over_limit(*.limit, *.most))]
    OverLimit {
        /// Which limit.
        limit: OwnerLimit,
        /// The limit.
        most: u64,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// The thread that does the work has ended.
    #[error("the store's thread has ended unexpectedly")]
    Stopped,
    /// The system gave no random bytes.
    #[error("the system gave no random bytes: {0}")]
    Random(getrandom::Error),
    /// An operation on a file failed.
    #[error("could not {action} {path}: {source}")]
    Io {
        /// The operation.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's error.
        source: Arc<io::Error>,
    },
    /// The database failed in another way, with this error.
    #[error("the database failed: {0}")]
    Database(String),
}

/// What a caller is told when the store failed in a way that is for the operator alone.
pub(crate) const STORE_FAILED: &str = "the room server's store failed; its log says why";

impl StoreError {
    /// Whether the error is about a single row, so that others can still be read.
    pub(super) const fn is_damage(&self) -> bool {
        matches!(
            self,
            Self::Damaged { .. } | Self::NewerSecret { .. } | Self::Corrupted(_)
        )
    }

    /// What to do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::NewerVersion { .. } | Self::NewerSecret { .. } => "update meshagent",
            Self::OlderVersion { .. } => {
                "bring it to the present format first, with any command of this version that opens it, such as `meshagent room serve`"
            }
            Self::Foreign(_) => "use another data directory",
            Self::WrongKey { .. } => "give the key that the database was made with",
            Self::KeyMissing { .. } => "put the key file back from a backup, or name the key that was used",
            Self::KeySourceChanged => "start it again, with the new key source",
            Self::RekeyUnfinished => "run `meshagent room key rekey` again, with the same new source",
            Self::KeyCommand { .. } => {
                "run it by itself: it must print 32 bytes in base64 or hex, and end within a minute"
            }
            Self::BadKey { .. } => {
                "a key is 32 random bytes in base64 or hex, in a file of your own with mode 0600; `openssl rand -base64 32` makes one"
            }
            Self::Damaged { .. } => "set the secret again, or restore the data directory from a backup",
            Self::Gone { .. } => {
                "restore the data directory from a backup; to begin anew, use another data directory, or move these files away"
            }
            Self::Behind { .. } => {
                "restore the data directory from a backup; to accept the database as it is, remove `store.commits`"
            }
            Self::Corrupted(_) => "restore the data directory from a backup",
            Self::DiskFull => "free some space and try again",
            Self::ReadOnly | Self::Io { .. } => "look at the data directory's permissions and free space",
            Self::Busy => "try again in a moment",
            Self::TooLarge => "store a smaller value",
            Self::OverLimit {
                limit: OwnerLimit::Secrets,
                ..
            } => "delete secrets that are not needed, or ask the server's operator for more (--max-secrets)",
            Self::OverLimit {
                limit: OwnerLimit::Bytes,
                ..
            } => {
                "delete secrets that are not needed, or ask the server's operator for more (--max-owner-bytes)"
            }
            Self::OverLimit {
                limit: OwnerLimit::Delegated,
                ..
            } => "delete some of those, or ask the server's operator for more (--max-delegated)",
            Self::Closed | Self::Stopped => "start the server again",
            Self::Random(_) | Self::Database(_) => "try again; if it stays so, please report it",
        }
    }

    pub(super) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly,
            _ => Self::Io {
                action,
                path: path.to_owned(),
                source: Arc::new(source),
            },
        }
    }
}

fn over_limit(limit: OwnerLimit, most: u64) -> String {
    match limit {
        OwnerLimit::Secrets => format!("an owner has at most {most} secrets in a room here"),
        OwnerLimit::Bytes => format!("an owner's secrets in a room have at most {most} bytes together here"),
        OwnerLimit::Delegated => {
            format!("an owner has at most {most} secrets delegated to one identity here")
        }
    }
}

impl From<getrandom::Error> for StoreError {
    fn from(error: getrandom::Error) -> Self {
        Self::Random(error)
    }
}
