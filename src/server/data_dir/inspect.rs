//! What can be seen of a data directory without changing anything in it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use url::Url;

use super::{DataDirError, LOCK, io_error, published, socket};
use crate::fs::{LockFile, private};

/// What can be seen of a data directory.
#[derive(Debug)]
#[non_exhaustive]
pub struct DataDirInspection {
    /// The absolute path.
    pub path: PathBuf,
    /// Whether a server runs there.
    pub is_served: bool,
    /// Where the server says that it listens. There too if a server was killed.
    pub address: Option<Url>,
    /// Where local commands reach the server: its Unix socket, else its address.
    pub local_address: Option<Url>,
}

/// Looks at the data directory `path`; None if it does not exist. Nothing is made in it or changed. Blocks.
///
/// # Errors
/// [`DataDirError::NotADirectory`]; [`DataDirError::NotPrivate`] as for [`DataDir::open_to_serve`].
///
/// [`DataDir::open_to_serve`]: super::DataDir::open_to_serve
pub fn inspect(path: &Path) -> Result<Option<DataDirInspection>, DataDirError> {
    let path = std::path::absolute(path).map_err(|source| io_error("use", path, source))?;
    let metadata = match fs::metadata(&path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(io_error("read", &path, source)),
    };
    if !metadata.is_dir() {
        return Err(DataDirError::NotADirectory { path });
    }
    if let Err(reason) = private::check_directory(&metadata) {
        return Err(DataDirError::NotPrivate { path, reason });
    }
    let lock = path.join(LOCK);
    let is_free = match LockFile::look(&lock) {
        // Given back when the file is dropped.
        Ok(file) => file
            .try_shared()
            .map_err(|source| io_error("lock", &lock, source))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => true,
        Err(source) => return Err(io_error("open", &lock, source)),
    };
    let address = published(&path);
    Ok(Some(DataDirInspection {
        is_served: !is_free,
        local_address: address
            .as_ref()
            .and_then(|_| socket(&path))
            .or_else(|| address.clone()),
        address,
        path,
    }))
}
