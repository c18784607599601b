//! The directory in which a server, or the commands of local mode, keep their files. The lowest layer of the server.
//!
//! A server holds it alone as long as it runs; commands that run a server in their own process share it. A command
//! that finds a running server uses that server instead.

mod client_env;
mod error;
#[cfg(test)]
#[path = "../../../tests/fuzz/data_dir.rs"]
mod fuzz;
mod inspect;
mod lock;
#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use url::Url;

pub use error::{DataDirError, NotPrivate};
pub use inspect::{DataDirInspection, inspect};

use crate::fs::private::{self, ReadError};
use crate::fs::{Existing, LockFile, pause_until, remove_file, write_atomic};
use crate::net::UnixAddress;
use crate::sensitive::SensitiveText;
use lock::{Held, PATIENCE};

const LOCK: &str = "lock";
const ADDRESS: &str = "address";
const CLIENT_ENV: &str = "client.env";
const SOCKET: &str = "server.sock";
/// Variable in `client.env` that holds the current API key.
pub const API_KEY_VARIABLE: &str = "MESHAGENT_API_KEY";
const MAX_ADDRESS_BYTES: usize = 4 << 10;

/// A data directory that this process holds: alone as a server, or shared with other local commands. Dropping it
/// releases it.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    /// Open as long as its lock is held.
    _lock: LockFile,
    served_by_us: bool,
    /// Whether a server in another process holds it, and this process has no lock.
    is_beside_server: bool,
}

/// How a local command reaches the directory.
#[derive(Debug)]
pub enum LocalAccess {
    /// No server runs there: the command works in the directory itself.
    Here(DataDir),
    /// A server runs there and listens at this address, which is that of its Unix socket in the directory, if it has one. It may stop at any time: after a refused connection, open the
    /// directory again.
    Served(Url),
}

impl DataDir {
    /// Takes the directory for a server, alone. Creates it (mode 0700) if it is missing.
    ///
    /// Local commands are waited for, up to 8 s. Blocks.
    ///
    /// # Errors
    /// [`DataDirError::AlreadyServed`] at once if another server holds it; [`DataDirError::Busy`] if
    /// commands still hold it after that time; [`DataDirError::NotPrivate`] if it belongs to another user or
    /// others may write to it.
    pub fn open_to_serve(path: &Path) -> Result<Self, DataDirError> {
        Self::open_to_serve_within(path, PATIENCE)
    }

    fn open_to_serve_within(path: &Path, patience: Duration) -> Result<Self, DataDirError> {
        let (path, file) = prepare(path)?;
        // A killed server may have left its address and its socket, which must not be taken for this server's.
        let held = lock::alone(&file, Instant::now() + patience, || {
            remove_file(&path.join(ADDRESS))?;
            remove_file(&path.join(SOCKET))
        })
        .map_err(|source| io_error("lock", &path, source))?;
        match held {
            Ok(()) => Ok(Self {
                path,
                _lock: file,
                served_by_us: true,
                is_beside_server: false,
            }),
            Err(Held::Together) => Err(DataDirError::Busy { path }),
            Err(Held::Alone) => Err(DataDirError::AlreadyServed {
                url: published(&path),
                path,
            }),
        }
    }

    /// Takes the directory for a local command, shared with others, or returns the address of the server that holds
    /// it. Creates it (mode 0700) if it is missing.
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
                    is_beside_server: false,
                }));
            }
            if let Some(url) = published(&path) {
                return Ok(LocalAccess::Served(socket(&path).unwrap_or(url)));
            }
            if !pause_until(deadline) {
                return Err(DataDirError::NotReady { path });
            }
        }
    }

    /// The address of the server that serves the directory, as commands on this machine reach it. None if none has published
    /// one, or there is no such directory. It takes no lock and does not wait. Blocks.
    pub fn served_at(path: &Path) -> Option<Url> {
        let path = path.canonicalize().ok()?;
        let url = published(&path)?;
        Some(socket(&path).unwrap_or(url))
    }

    /// The directory of a server that runs in another process, for a command that changes what the server looks at in
    /// its store. Takes no lock. Blocks.
    ///
    /// # Errors
    /// [`DataDirError::NotPrivate`] as for [`DataDir::open_to_serve`].
    pub fn beside_server(path: &Path) -> Result<Self, DataDirError> {
        let (path, file) = prepare(path)?;
        Ok(Self {
            path,
            _lock: file,
            served_by_us: false,
            is_beside_server: true,
        })
    }

    /// Publishes that the server is ready: writes `client.env` (mode 0600, `KEY=VALUE` lines), then the address that
    /// local commands connect to. Each file is replaced atomically.
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

    /// Whether `client.env` can hold this value: a shell takes it literally.
    pub fn is_plain_value(text: &str) -> bool {
        client_env::is_plain(text)
    }

    /// Removes the published address, so that no further local command connects. `client.env` stays, because its API
    /// key stays valid. Dropping the directory does the same.
    pub fn withdraw(&self) {
        if self.served_by_us
            && let Err(error) = remove_file(&self.path.join(ADDRESS))
        {
            tracing::warn!(%error, "the server's address could not be removed from its data directory");
        }
    }

    /// Whether this process holds the directory alone.
    pub(in crate::server) const fn is_ours_alone(&self) -> bool {
        self.served_by_us
    }

    /// Whether a server in another process holds the directory.
    pub(in crate::server) const fn is_beside_server(&self) -> bool {
        self.is_beside_server
    }

    /// Replaces the API key in `client.env`, if there is the file.
    ///
    /// # Errors
    /// Those of [`DataDir::read_client_env`] and of writing the file.
    pub fn update_client_env(&self, api_key: &SensitiveText) -> Result<(), DataDirError> {
        let mut variables = match Self::read_client_env(&self.path) {
            Ok(variables) => variables,
            Err(DataDirError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        for (name, value) in &mut variables {
            if name == API_KEY_VARIABLE {
                *value = api_key.clone();
            }
        }
        let variables: Vec<_> = variables
            .iter()
            .map(|(name, value)| (name.as_str(), value))
            .collect();
        let text = client_env::format(&variables).map_err(|name| DataDirError::BadValue { name })?;
        let path = self.client_env_path();
        write_atomic(&path, text.as_bytes(), Existing::Replace)
            .map_err(|source| io_error("write", &path, source))
    }

    /// Where a server listens for local commands, besides the addresses that it is given. None if the path is not UTF-8.
    pub fn socket_address(&self) -> Option<UnixAddress> {
        UnixAddress::at(&self.path.join(SOCKET))
    }

    /// The absolute path of the directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of `client.env`.
    pub fn client_env_path(&self) -> PathBuf {
        self.path.join(CLIENT_ENV)
    }

    /// The variables in the `client.env` of the data directory `path`, in their order. One of them is the API key.
    ///
    /// # Errors
    /// [`DataDirError::Io`] of kind `NotFound` if no server has run there;
    /// [`DataDirError::NotPrivate`] if the file is a symbolic link, belongs to another user, or is readable by
    /// others.
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

/// Creates the directory if it is missing, checks it, and opens its lock file.
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

/// The address in the directory, if there is one and it can be read.
fn published(path: &Path) -> Option<Url> {
    let content = private::read(&path.join(ADDRESS), MAX_ADDRESS_BYTES, private::check_file).ok()?;
    Url::parse(str::from_utf8(&content).ok()?).ok()
}

/// The address of the server's socket in the directory, if there is one.
fn socket(path: &Path) -> Option<Url> {
    let socket = path.join(SOCKET);
    socket.exists().then(|| UnixAddress::at(&socket)?.url())?
}

fn io_error(action: &'static str, path: &Path, source: io::Error) -> DataDirError {
    DataDirError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}
