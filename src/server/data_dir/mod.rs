//! The directory in which a server, or the commands of local mode, keep their files.
//!
//! A server has it alone, for as long as it runs; commands that run the server inside themselves share
//! it with each other. Whoever finds a running server there talks to that server instead.

mod client_env;
mod error;
#[cfg(test)]
#[path = "../../../tests/fuzz/data_dir.rs"]
mod fuzz;
mod lock;
#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use url::Url;

pub use error::{DataDirError, NotPrivate};

use crate::fs::private::{self, ReadError};
use crate::fs::{Existing, LockFile, pause_until, write_atomic};
use crate::sensitive::SensitiveText;
use lock::{Held, PATIENCE};

const LOCK: &str = "lock";
const ADDRESS: &str = "address";
const CLIENT_ENV: &str = "client.env";
const MAX_ADDRESS_BYTES: usize = 4 << 10;

/// A data directory that is held: by this server alone, or together with other local commands. It is
/// given back when this is dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    /// Held for its lock.
    _lock: LockFile,
    served_by_us: bool,
}

/// How a local command gets at the directory.
#[derive(Debug)]
pub enum LocalAccess {
    /// No server runs there: the command works in the directory itself.
    Here(DataDir),
    /// A server runs there and listens at this address. It may end at any moment: a refused connection
    /// is a reason to look again.
    Served(Url),
}

impl DataDir {
    /// Takes the directory for a server, alone. It is made (0700) if it is missing.
    ///
    /// Local commands are waited for, up to 8 s. Blocks.
    ///
    /// # Errors
    /// [`DataDirError::AlreadyServed`] at once if another server has it; [`DataDirError::Busy`] if
    /// commands still have it after that time; [`DataDirError::NotPrivate`] if it is another user's or
    /// others may write to it.
    pub fn open_to_serve(path: &Path) -> Result<Self, DataDirError> {
        Self::open_to_serve_within(path, PATIENCE)
    }

    fn open_to_serve_within(path: &Path, patience: Duration) -> Result<Self, DataDirError> {
        let (path, file) = prepare(path)?;
        // An address that a killed server left behind must not be taken for ours.
        let held = lock::alone(&file, Instant::now() + patience, || remove(&path.join(ADDRESS)))
            .map_err(|source| io_error("lock", &path, source))?;
        match held {
            Ok(()) => Ok(Self {
                path,
                _lock: file,
                served_by_us: true,
            }),
            Err(Held::Together) => Err(DataDirError::Busy { path }),
            Err(Held::Alone) => Err(DataDirError::AlreadyServed {
                url: published(&path),
                path,
            }),
        }
    }

    /// Takes the directory for a local command, together with others; or says which server has it.
    /// It is made (0700) if it is missing.
    ///
    /// A server that is about to publish its address is waited for, up to 8 s. Blocks.
    ///
    /// # Errors
    /// [`DataDirError::NotReady`] if it has not published it by then; [`DataDirError::NotPrivate`] as
    /// for [`DataDir::open_to_serve`].
    pub fn open_local(path: &Path) -> Result<LocalAccess, DataDirError> {
        Self::open_local_within(path, PATIENCE)
    }

    fn open_local_within(path: &Path, patience: Duration) -> Result<LocalAccess, DataDirError> {
        let (path, file) = prepare(path)?;
        let deadline = Instant::now() + patience;
        loop {
            if file
                .try_shared()
                .map_err(|source| io_error("lock", &path, source))?
            {
                return Ok(LocalAccess::Here(Self {
                    path,
                    _lock: file,
                    served_by_us: false,
                }));
            }
            if let Some(url) = published(&path) {
                return Ok(LocalAccess::Served(url));
            }
            if !pause_until(deadline) {
                return Err(DataDirError::NotReady { path });
            }
        }
    }

    /// Says that the server is ready: writes `client.env` (0600, `KEY=VALUE` lines), then the address
    /// that local commands connect to. Each file is replaced whole.
    ///
    /// # Errors
    /// [`DataDirError::BadValue`] for a value that a shell would not take literally.
    pub fn publish(&self, url: &Url, client_env: &[(&str, &SensitiveText)]) -> Result<(), DataDirError> {
        let text = client_env::format(client_env).map_err(|name| DataDirError::BadValue { name })?;
        for (name, content) in [(CLIENT_ENV, text.as_bytes()), (ADDRESS, url.as_str().as_bytes())] {
            let path = self.path.join(name);
            write_atomic(&path, content, Existing::Replace)
                .map_err(|source| io_error("write", &path, source))?;
        }
        Ok(())
    }

    /// Takes the published address back: from now on nobody new connects. `client.env` stays, as its
    /// API key does. Dropping the directory does this too.
    pub fn withdraw(&self) {
        if self.served_by_us
            && let Err(error) = remove(&self.path.join(ADDRESS))
        {
            tracing::warn!(%error, "the server's address could not be removed from its data directory");
        }
    }

    /// Whether no other process works in the directory.
    pub(in crate::server) const fn is_ours_alone(&self) -> bool {
        self.served_by_us
    }

    /// The directory, from the root.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where `client.env` is.
    pub fn client_env_path(&self) -> PathBuf {
        self.path.join(CLIENT_ENV)
    }

    /// The variables in the `client.env` of the data directory `path`, in their order. They hold the
    /// API key.
    ///
    /// # Errors
    /// [`DataDirError::Io`] of kind `NotFound` if no server ever ran there;
    /// [`DataDirError::NotPrivate`] if the file is a link, another user's, or readable by others.
    pub fn read_client_env(path: &Path) -> Result<Vec<(String, SensitiveText)>, DataDirError> {
        let path = path.join(CLIENT_ENV);
        let content =
            private::read(&path, client_env::MAX_BYTES, private::check_file).map_err(
                |error| match error {
                    ReadError::NotPrivate(reason) => DataDirError::NotPrivate {
                        path: path.clone(),
                        reason,
                    },
                    ReadError::Io(source) => io_error("read", &path, source),
                    ReadError::TooLong(_) => io_error("read", &path, io::Error::other(error)),
                },
            )?;
        str::from_utf8(&content)
            .map_err(|_| 1)
            .and_then(client_env::parse)
            .map_err(|line| DataDirError::BadClientEnv { path, line })
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        self.withdraw();
    }
}

/// Makes the directory if need be, checks it, and opens its lock file.
fn prepare(path: &Path) -> Result<(PathBuf, LockFile), DataDirError> {
    let path = std::path::absolute(path).map_err(|source| io_error("use", path, source))?;
    let metadata = match fs::metadata(&path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            private::create_directory(&path).map_err(|source| io_error("create", &path, source))?;
            fs::metadata(&path).map_err(|source| io_error("read", &path, source))?
        }
        Err(source) => return Err(io_error("read", &path, source)),
    };
    if !metadata.is_dir() {
        return Err(DataDirError::NotADirectory { path });
    }
    if let Err(reason) = private::check_directory(&metadata) {
        return Err(DataDirError::NotPrivate { path, reason });
    }
    let lock = path.join(LOCK);
    match LockFile::open(&lock) {
        Ok(file) => Ok((path, file)),
        Err(source) => Err(io_error("open", &lock, source)),
    }
}

/// The address in the directory, if there is a readable one.
fn published(path: &Path) -> Option<Url> {
    let content = private::read(&path.join(ADDRESS), MAX_ADDRESS_BYTES, private::check_file).ok()?;
    Url::parse(str::from_utf8(&content).ok()?).ok()
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn io_error(action: &'static str, path: &Path, source: io::Error) -> DataDirError {
    DataDirError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}
