//! Turns at the settings file.

use std::fs::File;
use std::path::Path;

use super::SettingsError;
use super::file::{failed, make_directory};

/// The right to change the settings file, until it is dropped. It is the operating system's lock on
/// `settings.lock` beside the file, so it ends with its process. Programs other than this one know
/// nothing of it.
#[derive(Debug)]
pub struct SettingsLock {
    _file: File,
}

impl SettingsLock {
    /// Waits for the turn at the file `settings`, without a time limit: asynchronous code must wait on a
    /// thread for that. The directory is made if need be.
    pub fn acquire(settings: &Path) -> Result<Self, SettingsError> {
        let path = settings.with_extension("lock");
        if let Some(directory) = path.parent() {
            make_directory(directory).map_err(failed(&path, "written"))?;
        }
        let mut options = File::options();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(failed(&path, "written"))?;
        file.lock().map_err(failed(&path, "locked"))?;
        Ok(Self { _file: file })
    }
}
