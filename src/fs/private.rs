//! Files and directories that only their owner may use.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

/// Makes the directory `path` and its missing parents, each with mode 0700. A directory that exists is left
/// as it is.
pub(crate) fn create_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Opens the file `path` to read and write, and makes it with mode 0600 if it is missing.
pub(crate) fn open_or_create(path: &Path) -> io::Result<File> {
    owner_only()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

/// Makes the empty file `path` with mode 0600. False if it exists; then it is not opened.
pub(crate) fn create_new(path: &Path) -> io::Result<bool> {
    match owner_only().write(true).create_new(true).open(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

fn owner_only() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Why a file or directory is not private.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotPrivate {
    /// It belongs to another user.
    #[error("it belongs to another user")]
    ForeignOwner,
    /// Its mode lets other users read or write it.
    #[error("other users have access to it")]
    OpenToOthers,
    /// It is a symbolic link, a device or something else that is not a regular file.
    #[error("it is not a regular file, or it is a symbolic link")]
    NotAFile,
}

/// Checks that no other user can change what the directory holds: it belongs to this user, and its mode
/// gives others no right to write.
#[cfg(unix)]
pub(crate) fn check_directory(metadata: &fs::Metadata) -> Result<(), NotPrivate> {
    check_owner(metadata, 0o022)
}

#[cfg(not(unix))]
pub(crate) fn check_directory(_: &fs::Metadata) -> Result<(), NotPrivate> {
    Ok(())
}

/// Checks that the file is regular and belongs to this user, and that its mode gives others no access.
pub(crate) fn check_file(metadata: &fs::Metadata) -> Result<(), NotPrivate> {
    check_regular(metadata)?;
    #[cfg(unix)]
    check_owner(metadata, 0o077)?;
    Ok(())
}

/// Checks that the file is regular.
pub(crate) fn check_regular(metadata: &fs::Metadata) -> Result<(), NotPrivate> {
    if metadata.is_file() {
        Ok(())
    } else {
        Err(NotPrivate::NotAFile)
    }
}

#[cfg(unix)]
fn check_owner(metadata: &fs::Metadata, denied: u32) -> Result<(), NotPrivate> {
    use std::os::unix::fs::MetadataExt;
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(NotPrivate::ForeignOwner);
    }
    if metadata.mode() & denied != 0 {
        return Err(NotPrivate::OpenToOthers);
    }
    Ok(())
}

/// Opens a file to read it. A symbolic link is refused, and a pipe without a writer is not waited for.
#[cfg(unix)]
fn open_no_follow(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::open(path, flags, Mode::empty())?))
}

#[cfg(not(unix))]
fn open_no_follow(path: &Path) -> io::Result<File> {
    if fs::symlink_metadata(path)?.is_symlink() {
        return Err(io::Error::other(NotPrivate::NotAFile));
    }
    File::open(path)
}

/// Why a small private file could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    NotPrivate(#[from] NotPrivate),
    #[error("it has more than {0} bytes")]
    TooLong(usize),
}

/// Reads a file of at most `limit` bytes that passes `check`. The opened file is checked, so that it cannot
/// be replaced between check and reading.
pub(crate) fn read(
    path: &Path,
    limit: usize,
    check: fn(&fs::Metadata) -> Result<(), NotPrivate>,
) -> Result<zeroize::Zeroizing<Vec<u8>>, ReadError> {
    Ok(read_checked(path, limit, check)?.0)
}

/// As [`read`]; returns what `check` tells of the file, too.
pub(super) fn read_checked<T>(
    path: &Path,
    limit: usize,
    check: impl FnOnce(&fs::Metadata) -> Result<T, NotPrivate>,
) -> Result<(zeroize::Zeroizing<Vec<u8>>, T), ReadError> {
    let file = open_no_follow(path).map_err(|error| {
        if is_link(path) {
            ReadError::NotPrivate(NotPrivate::NotAFile)
        } else {
            ReadError::Io(error)
        }
    })?;
    let checked = check(&file.metadata()?)?;
    let mut content = zeroize::Zeroizing::new(Vec::with_capacity(limit.saturating_add(1)));
    file.take(limit.saturating_add(1) as u64)
        .read_to_end(&mut content)?;
    if content.len() > limit {
        return Err(ReadError::TooLong(limit));
    }
    Ok((content, checked))
}

fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_file_is_read_only_if_it_is_private_regular_and_short() {
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        assert!(create_new(&file).unwrap());
        fs::write(&file, "1234").unwrap();
        assert!(!create_new(&file).unwrap());
        assert_eq!(*read(&file, 4, check_file).unwrap(), b"1234");
        assert!(matches!(read(&file, 3, check_file), Err(ReadError::TooLong(3))));
        symlink(&file, &link).unwrap();
        let refused = |path: &Path| match read(path, 4, check_file) {
            Err(ReadError::NotPrivate(reason)) => reason,
            other => panic!("{other:?}"),
        };
        assert_eq!(refused(&link), NotPrivate::NotAFile);
        assert_eq!(refused(directory.path()), NotPrivate::NotAFile);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(refused(&file), NotPrivate::OpenToOthers);
        assert_eq!(*read(&file, 4, check_regular).unwrap(), b"1234");
    }
}
