//! Files with secrets as container platforms and certificate tools lay them out: symbolic links, and files of root's.
//!
//! Kubernetes mounts a secret as a link to a link into a directory that is replaced as a whole; Docker's are root's with
//! mode 0444 on a read-only mount; certificate tools keep links to the current files.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Component, Path, PathBuf};

use zeroize::Zeroizing;

use super::private::{self, NotPrivate, ReadError};

/// Most symbolic links on the way to a file, as Linux has it.
const MAX_LINKS: usize = 40;

/// The users who may read a file with a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readers {
    /// The user, root, and the members of the group that root gave the file to.
    Chosen,
    /// Every user of this machine or container.
    AllUsers,
}

/// Reads a file of at most `limit` bytes that no other user can have written.
///
/// A file that [`private::check_file`] accepts is read, as is one that is reached over symbolic links, and one of root's,
/// if no other user can change a directory or a link on the way. A file of root's may be readable by its group; on a
/// read-only mount, by all users.
pub(crate) fn read(path: &Path, limit: usize) -> Result<(Zeroizing<Vec<u8>>, Readers), ReadError> {
    match private::read(path, limit, private::check_file) {
        Err(ReadError::NotPrivate(reason)) => read_laid_out(path, limit).map_err(|error| match error {
            // What is wrong with the file itself says more.
            ReadError::NotPrivate(NotPrivate::NotAFile) => ReadError::NotPrivate(reason),
            error => error,
        }),
        outcome => outcome.map(|content| (content, Readers::Chosen)),
    }
}

#[cfg(not(unix))]
fn read_laid_out(path: &Path, limit: usize) -> Result<(Zeroizing<Vec<u8>>, Readers), ReadError> {
    let content = private::read(path, limit, private::check_file)?;
    Ok((content, Readers::Chosen))
}

#[cfg(unix)]
fn read_laid_out(path: &Path, limit: usize) -> Result<(Zeroizing<Vec<u8>>, Readers), ReadError> {
    let path = resolve(path)?;
    let is_read_only = is_on_read_only_mount(&path)?;
    let check = |metadata: &Metadata| {
        private::check_regular(metadata)?;
        readers(&Access::of(metadata), is_read_only)
    };
    private::read_checked(&path, limit, check)
}

/// Owner and mode of a file, and the user who asks.
#[cfg(unix)]
struct Access {
    owner: u32,
    mode: u32,
    user: u32,
}

#[cfg(unix)]
impl Access {
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self {
            owner: metadata.uid(),
            mode: metadata.mode(),
            user: rustix::process::geteuid().as_raw(),
        }
    }

    /// Checks that another user than root cannot have made it.
    fn check_owner(&self) -> Result<(), NotPrivate> {
        if self.owner == self.user || self.owner == 0 {
            Ok(())
        } else {
            Err(NotPrivate::ForeignOwner)
        }
    }
}

/// The users who may read the file.
#[cfg(unix)]
fn readers(file: &Access, is_read_only: bool) -> Result<Readers, NotPrivate> {
    file.check_owner()?;
    let is_of_root_for_us = file.owner == 0 && file.user != 0;
    match file.mode & 0o077 {
        0 => Ok(Readers::Chosen),
        0o040 if is_of_root_for_us => Ok(Readers::Chosen),
        rights if rights & 0o033 == 0 && file.owner == 0 && is_read_only => Ok(Readers::AllUsers),
        _ => Err(NotPrivate::OpenToOthers),
    }
}

#[cfg(unix)]
fn is_on_read_only_mount(path: &Path) -> io::Result<bool> {
    use rustix::fs::{StatVfsMountFlags, statvfs};
    Ok(statvfs(path)?.f_flag.contains(StatVfsMountFlags::RDONLY))
}

/// Follows symbolic links to a path without any. No other user than root can change a directory or a link on the way.
#[cfg(unix)]
fn resolve(path: &Path) -> Result<PathBuf, ReadError> {
    let mut links = 0;
    let mut resolved = PathBuf::new();
    let mut rest = std::path::absolute(path)?;
    loop {
        let mut components = rest.components();
        let Some(component) = components.next() else {
            return Ok(resolved);
        };
        let after = components.as_path().to_owned();
        match component {
            Component::ParentDir => {
                resolved.pop();
            }
            Component::Normal(name) => {
                check_directory(&resolved)?;
                let next = resolved.join(name);
                let metadata = fs::symlink_metadata(&next)?;
                if metadata.is_symlink() {
                    Access::of(&metadata).check_owner()?;
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(NotPrivate::NotAFile.into());
                    }
                    // An absolute target replaces the whole path.
                    rest = fs::read_link(&next)?.join(after);
                    continue;
                }
                resolved = next;
            }
            _ => resolved = component.as_os_str().into(),
        }
        rest = after;
    }
}

/// Checks that no other user than root can replace what is in the directory. In one with the sticky bit, others cannot
/// replace what is not theirs.
#[cfg(unix)]
fn check_directory(path: &Path) -> Result<(), ReadError> {
    let directory = Access::of(&fs::metadata(path)?);
    directory.check_owner()?;
    if directory.mode & 0o022 != 0 && directory.mode & 0o1000 == 0 {
        return Err(NotPrivate::OpenToOthers.into());
    }
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// As Kubernetes mounts a secret: `key` leads to `..data/key`, and `..data` to a directory.
    fn mounted(directory: &Path) -> PathBuf {
        let version = directory.join("..version");
        fs::create_dir(&version).unwrap();
        set_mode(&version, 0o755);
        fs::write(version.join("key"), "1234").unwrap();
        set_mode(&version.join("key"), 0o400);
        symlink("..version", directory.join("..data")).unwrap();
        symlink("..data/key", directory.join("key")).unwrap();
        directory.join("key")
    }

    fn refused(path: &Path) -> NotPrivate {
        match read(path, 4) {
            Err(ReadError::NotPrivate(reason)) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_secret_is_read_over_links_that_others_cannot_change() {
        let directory = tempfile::tempdir().unwrap();
        let path = mounted(directory.path());
        let (content, readers) = read(&path, 4).unwrap();
        assert_eq!((content.as_slice(), readers), (&b"1234"[..], Readers::Chosen));
        assert!(matches!(read(&path, 3), Err(ReadError::TooLong(3))));
        // Over an absolute link, and one that leads up.
        let elsewhere = tempfile::tempdir().unwrap();
        let link = elsewhere.path().join("link");
        symlink(directory.path().join("..version/../key"), &link).unwrap();
        assert_eq!(*read(&link, 4).unwrap().0, b"1234");
    }

    #[test]
    fn a_secret_is_not_read_where_others_may_change_or_read_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = mounted(directory.path());
        let version = directory.path().join("..version");
        set_mode(&version, 0o777);
        assert_eq!(refused(&path), NotPrivate::OpenToOthers);
        // Others cannot replace what is not theirs.
        set_mode(&version, 0o1777);
        assert!(read(&path, 4).is_ok());
        for mode in [0o644, 0o440, 0o602] {
            set_mode(&version.join("key"), mode);
            assert_eq!(refused(&path), NotPrivate::OpenToOthers, "{mode:o}");
        }
    }

    #[test]
    fn what_leads_nowhere_is_no_secret() {
        let directory = tempfile::tempdir().unwrap();
        let (one, two) = (directory.path().join("one"), directory.path().join("two"));
        symlink(&two, &one).unwrap();
        assert!(matches!(read(&one, 4), Err(ReadError::Io(_))));
        symlink(&one, &two).unwrap();
        assert_eq!(refused(&one), NotPrivate::NotAFile);
        assert_eq!(refused(directory.path()), NotPrivate::NotAFile);
    }

    #[test]
    fn the_users_who_may_read_a_file_follow_from_its_owner_its_mode_and_its_mount() {
        let of = |owner, user, mode, is_read_only| readers(&Access { owner, mode, user }, is_read_only);
        let (chosen, all_users) = (Ok(Readers::Chosen), Ok(Readers::AllUsers));
        let (open, foreign) = (Err(NotPrivate::OpenToOthers), Err(NotPrivate::ForeignOwner));
        for (owner, user, mode, is_read_only, expected) in [
            (7, 7, 0o400, false, chosen),
            (0, 7, 0o440, false, chosen),
            (0, 0, 0o440, false, open),
            (0, 0, 0o440, true, all_users),
            (0, 7, 0o444, true, all_users),
            (0, 7, 0o444, false, open),
            (0, 7, 0o464, true, open),
            (7, 7, 0o444, true, open),
            (8, 7, 0o400, true, foreign),
        ] {
            assert_eq!(
                of(owner, user, mode, is_read_only),
                expected,
                "{owner} {user} {mode:o} {is_read_only}"
            );
        }
    }
}
