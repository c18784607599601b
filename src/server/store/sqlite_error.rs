//! SQLite's errors, as the store's.

use rusqlite::ErrorCode;

use super::{KeyRingError, StoreError};

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error as Sql;
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::TooBig) => Self::TooLarge,
            Some(ErrorCode::DatabaseCorrupt) => {
                Self::Corrupted("SQLite cannot make sense of the file".into())
            }
            Some(ErrorCode::NotADatabase) => Self::Corrupted("the file is not a database".into()),
            _ => match error {
                Sql::InvalidColumnType(..) | Sql::FromSqlConversionFailure(..) | Sql::Utf8Error(..) => {
                    Self::Corrupted("a column is not of its type".into())
                }
                error => Self::Database(error.to_string()),
            },
        }
    }
}

impl From<rusqlite::Error> for KeyRingError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}
