//! Files that appear whole, or not at all.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use tempfile::{NamedTempFile, TempDir};

/// What the name of a new file starts with until it is renamed.
const PREFIX: &str = ".meshagent-";

/// What happens to a file that the target's name already leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existing {
    /// The new file takes its place.
    Replace,
    /// It stays, and [`NewFile::persist`] fails with [`io::ErrorKind::AlreadyExists`].
    Keep,
}

/// A new file (0600) beside its target. It is removed when it is dropped before [`NewFile::persist`].
#[derive(Debug)]
pub(crate) struct NewFile(NamedTempFile);

impl NewFile {
    /// Makes an empty file in `directory`, which must be on the target's file system: the target's own
    /// directory.
    pub(crate) fn create_in(directory: &Path) -> io::Result<Self> {
        match NamedTempFile::with_prefix_in(PREFIX, directory) {
            Ok(file) => Ok(Self(file)),
            Err(error) => Err(without_path(error)),
        }
    }

    /// Another handle to the file, for a thread that writes while this value stays behind to remove the
    /// file. The writer calls [`File::sync_all`] at its end.
    pub(crate) fn writer(&self) -> io::Result<File> {
        self.0.as_file().try_clone()
    }

    /// Renames the file to `target`, and syncs the directory so that the new name lasts.
    pub(crate) fn persist(self, target: &Path, existing: Existing) -> io::Result<()> {
        match existing {
            Existing::Replace => self.0.persist(target)?,
            Existing::Keep => self.0.persist_noclobber(target)?,
        };
        sync_directory(directory_of(target))
    }
}

/// A new directory (0700) beside its target. It is removed, with all that is in it, when it is dropped before
/// [`NewDirectory::persist`].
#[derive(Debug)]
pub(crate) struct NewDirectory(TempDir);

impl NewDirectory {
    /// Makes an empty directory in `directory`, which must be on the target's file system.
    pub(crate) fn create_in(directory: &Path) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let made = builder.prefix(PREFIX).tempdir_in(directory);
        made.map(Self).map_err(without_path)
    }

    /// Its path until it is renamed.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Renames the directory to `target`, which must be missing or an empty directory, and syncs both directories.
    pub(crate) fn persist(self, target: &Path) -> io::Result<()> {
        sync_directory(self.path())?;
        std::fs::rename(self.path(), target)?;
        // Its name leads nowhere any more.
        let _ = self.0.keep();
        sync_directory(directory_of(target))
    }
}

/// Writes `content` to the file `target` (0600). When this returns, the file is whole and on disk; when it
/// fails, the file is as it was before.
pub(crate) fn write_atomic(target: &Path, content: &[u8], existing: Existing) -> io::Result<()> {
    let mut new = NewFile::create_in(directory_of(target))?;
    new.0.write_all(content)?;
    new.0.as_file().sync_all()?;
    new.persist(target, existing)
}

/// Removes a file, which need not exist.
pub(crate) fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The directory that `target` is in; the working directory for a bare file name.
pub(crate) fn directory_of(target: &Path) -> &Path {
    match target.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Puts the entries of `directory` on disk: names that were made, renamed or removed in it.
///
/// A directory that may be written but not read cannot be opened for that; its entries reach the disk when
/// the system writes them.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    match File::open(directory) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        opened => opened?.sync_all(),
    }
}

/// Takes the new file's random path out of an error of `tempfile`: its users know the target alone.
fn without_path(error: io::Error) -> io::Error {
    let text = error.to_string();
    match text.split_once(" at path ") {
        Some((reason, _)) => io::Error::new(error.kind(), reason),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[test]
    fn a_file_is_replaced_or_kept_and_no_other_is_left() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("file");
        write_atomic(&target, b"one", Existing::Keep).unwrap();
        let kept = write_atomic(&target, b"two", Existing::Keep).unwrap_err();
        assert_eq!(kept.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&target).unwrap(), b"one");
        write_atomic(&target, b"two", Existing::Replace).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"two");
        assert_eq!(names(directory.path()), ["file"]);
    }

    #[test]
    #[cfg(unix)]
    fn a_new_file_is_its_owners_alone_and_replaces_a_link_not_its_target() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let directory = tempfile::tempdir().unwrap();
        let (target, other) = (directory.path().join("file"), directory.path().join("other"));
        fs::write(&other, "other").unwrap();
        symlink(&other, &target).unwrap();
        write_atomic(&target, b"new", Existing::Replace).unwrap();
        let metadata = fs::symlink_metadata(&target).unwrap();
        assert!(metadata.is_file());
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read(&other).unwrap(), b"other");
    }

    #[test]
    fn a_new_directory_replaces_an_empty_one_or_is_removed() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("target");
        for _ in 0..2 {
            let new = NewDirectory::create_in(directory.path()).unwrap();
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt as _;
                let mode = fs::metadata(new.path()).unwrap().permissions().mode();
                assert_eq!(mode & 0o777, 0o700);
            }
            new.persist(&target).unwrap();
        }
        let full = || {
            let new = NewDirectory::create_in(directory.path()).unwrap();
            fs::write(new.path().join("file"), "x").unwrap();
            new
        };
        full().persist(&target).unwrap();
        assert!(full().persist(&target).is_err());
        drop(full());
        assert_eq!(names(directory.path()), ["target"]);
        assert_eq!(names(&target), ["file"]);
    }

    #[test]
    fn a_new_file_that_is_dropped_is_removed_and_no_error_names_it() {
        let directory = tempfile::tempdir().unwrap();
        let new = NewFile::create_in(directory.path()).unwrap();
        new.writer().unwrap().write_all(b"half").unwrap();
        assert_eq!(names(directory.path()).len(), 1);
        drop(new);
        assert!(names(directory.path()).is_empty());
        let error = NewFile::create_in(&directory.path().join("missing")).unwrap_err();
        assert!(!error.to_string().contains(PREFIX), "{error}");
    }
}
