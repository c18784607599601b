//! The right to change the settings file.

use std::path::Path;

use super::SettingsError;
use super::file::failed;
use crate::fs::{LockFile, private};

/// The right to change the settings file, until it is dropped.
///
/// It is the operating system's lock on `settings.lock` beside the file, so it ends with its process. Only
/// programs that take this lock are kept out: other MeshAgent clients do not.
#[derive(Debug)]
pub struct SettingsLock {
    _file: LockFile,
}

impl SettingsLock {
    /// Waits for the lock of the file `settings` without a time limit, and makes the directory (0700) if it
    /// is missing. Blocks: asynchronous code calls it on a thread for blocking work.
    ///
    /// # Errors
    /// [`SettingsError::File`] if the directory or the lock file cannot be made, or the file not locked.
    pub fn acquire(settings: &Path) -> Result<Self, SettingsError> {
        let path = settings.with_extension("lock");
        if let Some(directory) = path.parent() {
            private::create_directory(directory).map_err(failed(&path, "written"))?;
        }
        let file = LockFile::open(&path).map_err(failed(&path, "written"))?;
        file.exclusive().map_err(failed(&path, "locked"))?;
        Ok(Self { _file: file })
    }
}
