//! A Unix socket of the server: its owner's alone, and removed with the server.

use std::fs::{self, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::task::{Context, Poll};

use tokio::net::{UnixListener, UnixStream};

use crate::fs::{NewDirectory, directory_of};

/// Name of the socket in the directory that it is made in.
const NEW_NAME: &str = "s";

/// A Unix socket that is listened on.
#[derive(Debug)]
pub(super) struct UnixSocket {
    listener: UnixListener,
    path: PathBuf,
    /// Device and inode: another process may have put its own socket at the path.
    file: (u64, u64),
}

impl UnixSocket {
    pub(super) async fn bind(path: &Path) -> io::Result<Self> {
        check_free(path).await?;
        // Nobody else reaches the socket in this directory before it has its mode.
        let directory = NewDirectory::create_in(directory_of(path))?;
        let new = directory.path().join(NEW_NAME);
        let listener = UnixListener::bind(&new)?;
        fs::set_permissions(&new, Permissions::from_mode(0o600))?;
        let file = file(&fs::symlink_metadata(&new)?);
        fs::rename(&new, path)?;
        Ok(Self {
            listener,
            path: path.to_owned(),
            file,
        })
    }

    pub(super) fn poll_accept(&self, context: &mut Context<'_>) -> Poll<io::Result<UnixStream>> {
        self.listener.poll_accept(context).map_ok(|(stream, _)| stream)
    }
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        let is_ours = fs::symlink_metadata(&self.path).is_ok_and(|metadata| file(&metadata) == self.file);
        if is_ours && let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(%error, path = %self.path.display(), "the socket could not be removed");
        }
    }
}

fn file(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// Checks that nothing is at `path` but, at most, a socket on which nothing listens.
async fn check_free(path: &Path) -> io::Result<()> {
    let in_use = |problem: &str| Err(io::Error::new(io::ErrorKind::AddrInUse, problem));
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(metadata) if !metadata.file_type().is_socket() => {
            return in_use("something that is not a socket is there");
        }
        Ok(_) => {}
    }
    match UnixStream::connect(path).await {
        // Its process has ended.
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        // Its queue of connections is full.
        Ok(_) => in_use("another process listens there"),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => in_use("another process listens there"),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[tokio::test]
    async fn a_socket_is_its_owners_alone_and_is_removed_with_the_listener() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let socket = UnixSocket::bind(&path).await.unwrap();
        let metadata = fs::symlink_metadata(&path).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        assert_eq!(names(directory.path()), ["socket"]);
        drop(socket);
        assert!(names(directory.path()).is_empty());
    }

    #[tokio::test]
    async fn a_socket_is_replaced_only_if_nothing_listens_on_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let first = UnixSocket::bind(&path).await.unwrap();
        let refused = UnixSocket::bind(&path).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
        drop(first);
        // As a process leaves it that was killed.
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let second = UnixSocket::bind(&path).await.unwrap();
        UnixStream::connect(&path).await.unwrap();
        // The socket of another process is not removed.
        fs::remove_file(&path).unwrap();
        let other = std::os::unix::net::UnixListener::bind(&path).unwrap();
        drop(second);
        UnixStream::connect(&path).await.unwrap();
        drop(other);
    }

    #[tokio::test]
    async fn what_is_not_a_socket_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let link = directory.path().join("link");
        fs::write(&path, "x").unwrap();
        std::os::unix::fs::symlink(directory.path().join("elsewhere"), &link).unwrap();
        for path in [&path, &link, directory.path()] {
            let refused = UnixSocket::bind(path).await.unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "x");
    }
}
