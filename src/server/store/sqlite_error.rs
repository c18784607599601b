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
                // Its text repeats the whole statement.
                Sql::SqlInputError { msg, .. } => Self::Database(msg),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_repeats_no_statement() {
        let database = rusqlite::Connection::open_in_memory().unwrap();
        let error = database.prepare("SELECT canary FROM nowhere").unwrap_err();
        assert_eq!(
            StoreError::from(error).to_string(),
            "the database failed: no such table: nowhere"
        );
    }
}
