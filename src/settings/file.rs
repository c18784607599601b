//! The settings file, which is read and replaced whole.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use zeroize::Zeroize as _;

use super::{Environment, SettingsError, SettingsLock};
use crate::fs::{Existing, private, write_atomic};
use crate::sensitive::SecretValue;

/// Largest settings file that is read, in bytes: 1 MiB.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// `~/.meshagent/settings.json`, which several clients share (protocol, "Settings file").
///
/// Unknown members are kept; all members are written sorted by name. The file holds tokens, so `Debug` shows nothing
/// of it, and its texts are overwritten on drop.
#[derive(Clone, Default)]
pub struct SettingsFile {
    pub(super) root: Map<String, Value>,
}

impl SettingsFile {
    /// The path of the file.
    ///
    /// # Errors
    /// [`SettingsError::NoHome`].
    pub fn path(env: &Environment) -> Result<PathBuf, SettingsError> {
        Ok(env
            .home()
            .ok_or(SettingsError::NoHome)?
            .join(".meshagent")
            .join("settings.json"))
    }

    /// Reads the file. A file that does not exist is read as an empty one.
    ///
    /// # Errors
    /// [`SettingsError::Malformed`] if it is not a JSON object; [`SettingsError::File`] if it cannot be read, or is
    /// larger than 1 MiB.
    pub fn load(path: &Path) -> Result<Self, SettingsError> {
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            file => file.map_err(failed(path, "read"))?,
        };
        let mut text = Vec::new();
        let read = file.take(MAX_FILE_BYTES + 1).read_to_end(&mut text);
        let text = SecretValue::new(text);
        if read.map_err(failed(path, "read"))? as u64 > MAX_FILE_BYTES {
            return Err(failed(path, "read")(io::ErrorKind::FileTooLarge.into()));
        }
        // The text of serde's error may repeat a value, so only the position is used.
        let value = serde_json::from_slice(text.expose());
        let malformed = |line, column| SettingsError::Malformed {
            path: path.to_owned(),
            line,
            column,
        };
        match value.map_err(|error| malformed(error.line(), error.column()))? {
            Value::Object(root) => Ok(Self { root }),
            mut other => {
                wipe(&mut other);
                Err(malformed(0, 0))
            }
        }
    }

    /// Reads the file, changes it and saves it, under the [`SettingsLock`]. Blocks.
    ///
    /// # Errors
    /// Those of [`SettingsLock::acquire`], [`SettingsFile::load`] and [`SettingsFile::save`].
    pub fn update<T>(path: &Path, change: impl FnOnce(&mut Self) -> T) -> Result<T, SettingsError> {
        let _lock = SettingsLock::acquire(path)?;
        let mut file = Self::load(path)?;
        let changed = change(&mut file);
        file.save(path)?;
        Ok(changed)
    }

    /// Replaces the file atomically (mode 0600), and makes its directory (mode 0700) if it is missing. Without the
    /// [`SettingsLock`] a change that another process makes in between is lost: see [`SettingsFile::update`].
    ///
    /// # Errors
    /// [`SettingsError::NotRegular`] if the path is a symbolic link or not a file; [`SettingsError::File`] if it
    /// cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), SettingsError> {
        match fs::symlink_metadata(path) {
            Ok(found) if !found.is_file() => Err(SettingsError::NotRegular {
                path: path.to_owned(),
            }),
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(path, "written")(error)),
            _ => self.replace(path).map_err(failed(path, "written")),
        }
    }

    fn replace(&self, path: &Path) -> io::Result<()> {
        private::create_directory(path.parent().ok_or(io::ErrorKind::InvalidInput)?)?;
        let mut text = SecretValue::default();
        serde_json::to_writer_pretty(&mut text, &self.root)?;
        text.write_all(b"\n")?;
        write_atomic(path, text.expose(), Existing::Replace)
    }
}

pub(super) fn failed(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> SettingsError {
    move |cause| SettingsError::File {
        path: path.to_owned(),
        action,
        cause,
    }
}

/// Overwrites every text in a value.
fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(list) => list.iter_mut().for_each(wipe),
        Value::Object(map) => wipe_members(map),
        _ => {}
    }
}

/// Overwrites every text in an object.
pub(super) fn wipe_members(map: &mut Map<String, Value>) {
    map.values_mut().for_each(wipe);
}

impl Drop for SettingsFile {
    fn drop(&mut self) {
        wipe_members(&mut self.root);
    }
}

impl fmt::Debug for SettingsFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SettingsFile(…)")
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
