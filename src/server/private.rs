//! Files and directories that are ours alone.
//!
//! Everything that depends on the operating system is here: modes and owners where there are any
//! (unix), and nothing in their place elsewhere, where a home directory is private by inheritance.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Makes `path` and its missing parents, each for its owner alone (0700).
pub(super) fn create_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Opens `path` to read and write, and makes it for its owner alone (0600) if it is missing.
pub(super) fn open_or_create(path: &Path) -> io::Result<File> {
    owner_only()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

/// Makes the file `path` for its owner alone (0600), empty. False if it is there already; then it is
/// not so much as opened.
pub(super) fn create_new(path: &Path) -> io::Result<bool> {
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

/// What becomes of a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Existing {
    /// The new content takes its place.
    Replace,
    /// It stays, and writing fails with [`io::ErrorKind::AlreadyExists`].
    Keep,
}

/// Writes `content` to the file `name` of `directory`, 0600: whole and on disk when this returns, or
/// not at all. It is written beside the target, synced, and renamed.
pub(super) fn write(directory: &Path, name: &str, content: &[u8], existing: Existing) -> io::Result<()> {
    let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(directory)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    let target = directory.join(name);
    match existing {
        Existing::Replace => file.persist(&target)?,
        Existing::Keep => file.persist_noclobber(&target)?,
    };
    sync_directory(directory)
}

/// Puts the directory's entries themselves on disk.
pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(directory)?.sync_all()
    } else {
        Ok(())
    }
}

/// Why a file or directory is not ours alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotPrivate {
    /// It belongs to another user.
    #[error("it belongs to another user")]
    ForeignOwner,
    /// Other users may use it.
    #[error("other users have access to it")]
    OpenToOthers,
    /// It is a link, a device or something else that is no regular file.
    #[error("it is not a regular file, or it is a symbolic link")]
    NotAFile,
}

/// Checks that nobody else can change what is in the directory: it is ours, and others may not write.
#[cfg(unix)]
pub(super) fn check_directory(metadata: &fs::Metadata) -> Result<(), NotPrivate> {
    check_owner(metadata, 0o022)
}

#[cfg(not(unix))]
pub(super) fn check_directory(_: &fs::Metadata) -> Result<(), NotPrivate> {
    Ok(())
}

/// Checks that the file is regular, ours, and nobody else's to read.
pub(super) fn check_file(metadata: &fs::Metadata) -> Result<(), NotPrivate> {
    check_regular(metadata)?;
    #[cfg(unix)]
    check_owner(metadata, 0o077)?;
    Ok(())
}

/// Checks that the file is regular.
pub(super) fn check_regular(metadata: &fs::Metadata) -> Result<(), NotPrivate> {
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

/// Opens a file to read it, itself and not what it links to, without waiting for a pipe's other end.
#[cfg(unix)]
fn open_itself(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::open(path, flags, Mode::empty())?))
}

#[cfg(not(unix))]
fn open_itself(path: &Path) -> io::Result<File> {
    if fs::symlink_metadata(path)?.is_symlink() {
        return Err(io::Error::other(NotPrivate::NotAFile));
    }
    File::open(path)
}

/// Why a small private file could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    NotPrivate(#[from] NotPrivate),
    #[error("it has more than {0} bytes")]
    TooLong(usize),
}

/// Reads at most `limit` bytes of a file that passes `check`. The check is of the opened file, so it
/// cannot be exchanged in between.
pub(super) fn read(
    path: &Path,
    limit: usize,
    check: fn(&fs::Metadata) -> Result<(), NotPrivate>,
) -> Result<zeroize::Zeroizing<Vec<u8>>, ReadError> {
    let file = open_itself(path).map_err(|error| {
        if is_link(path) {
            ReadError::NotPrivate(NotPrivate::NotAFile)
        } else {
            ReadError::Io(error)
        }
    })?;
    check(&file.metadata()?)?;
    let mut content = zeroize::Zeroizing::new(Vec::with_capacity(limit.saturating_add(1)));
    file.take(limit.saturating_add(1) as u64)
        .read_to_end(&mut content)?;
    if content.len() > limit {
        return Err(ReadError::TooLong(limit));
    }
    Ok(content)
}

fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink())
}

/// The path from the root, without looking anything up.
pub(super) fn absolute(path: &Path) -> io::Result<PathBuf> {
    std::path::absolute(path)
}
