//! Files that only their owner may use, files that appear whole or not at all, and file locks.
//!
//! - [`private`]: directories (0700) and files (0600) of the user alone, and the check that a file which is
//!   already there is one: regular, no symbolic link, the user's own, and closed to others.
//! - [`secret_file`]: a file with a secret that a container platform or a certificate tool has laid out.
//! - [`NewFile`] and [`write_atomic`]: a new file is written beside its target, synced, and renamed. A reader
//!   sees the old content or the new, also after a crash or a power cut.
//! - [`NewDirectory`]: the same for a directory and all that is in it.
//! - [`LockFile`]: the operating system's advisory lock on a file, shared or exclusive, until it is dropped.
//!
//! Modes and owners exist on Unix. Elsewhere these functions rely on the access rules that a home directory
//! hands down to what is made in it.
//!
//! All of it blocks; asynchronous code calls it on a thread for blocking work.

mod atomic;
mod lock;
pub(crate) mod private;
pub(crate) mod secret_file;

pub(crate) use self::atomic::{
    Existing, NewDirectory, NewFile, directory_of, remove_file, sync_directory, write_atomic,
};
pub(crate) use self::lock::{LockFile, pause_until};
pub use self::private::NotPrivate;
