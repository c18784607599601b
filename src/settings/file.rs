//! The settings file: read whole, replaced whole.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use zeroize::Zeroize as _;

use super::{Environment, SettingsError, SettingsLock};
use crate::fs::{Existing, private, write_atomic};
use crate::sensitive::SecretValue;

/// Largest settings file that is read, in bytes (1 MiB).
const MAX_FILE_BYTES: u64 = 1 << 20;

/// `~/.meshagent/settings.json`, shared with other clients (protocol, "Settings file").
///
/// What it has is kept as it came, members that are not known here too; they are written sorted by
/// name. `Debug` shows nothing of it, and its text is overwritten on drop, for it holds tokens.
#[derive(Clone, Default)]
pub struct SettingsFile {
    pub(super) root: Map<String, Value>,
}

impl SettingsFile {
    /// Where the file is. Fails if the home directory is not known.
    pub fn path(env: &Environment) -> Result<PathBuf, SettingsError> {
        Ok(env
            .home()
            .ok_or(SettingsError::NoHome)?
            .join(".meshagent")
            .join("settings.json"))
    }

    /// Reads the file. One that is not there is empty; one that is no JSON object, or larger than
    /// 1 MiB, is an error.
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
        // Of serde's error only the place is told: its text may repeat a value.
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

    /// Changes the file: nobody else who changes it this way comes between reading and writing.
    pub fn update<T>(path: &Path, change: impl FnOnce(&mut Self) -> T) -> Result<T, SettingsError> {
        let _lock = SettingsLock::acquire(path)?;
        let mut file = Self::load(path)?;
        let changed = change(&mut file);
        file.save(path)?;
        Ok(changed)
    }

    /// Replaces the file at once: a new one (mode 0600) is written beside it, synced, and renamed over
    /// it. Its directory is made (mode 0700) if need be. Only a regular file is replaced: a symbolic
    /// link is refused. Of two programs that write at the same time, the later wins: use
    /// [`SettingsFile::update`], or hold a [`SettingsLock`].
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
