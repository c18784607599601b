//! Advisory file locks: shared or exclusive, of the operating system.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::private;

/// How long to sleep between two attempts to take a lock.
const PAUSE: Duration = Duration::from_millis(5);

/// A file that is there for its lock alone. The lock ends when this is dropped, and with the process at the
/// latest. The file stays: removing it would let two processes lock two files of one name.
///
/// The lock is advisory: it keeps out programs that ask for it, and does not stop reads and writes.
#[derive(Debug)]
pub(crate) struct LockFile(File);

impl LockFile {
    /// Opens the file without locking it, and makes it (0600) if it is missing.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        private::open_or_create(path).map(Self)
    }

    /// Opens the file if it exists, for a look at its lock: it is not made, and cannot be written.
    pub(crate) fn look(path: &Path) -> io::Result<Self> {
        File::open(path).map(Self)
    }

    /// Takes the lock shared with others. False if another process has it exclusively.
    pub(crate) fn try_shared(&self) -> io::Result<bool> {
        granted(self.0.try_lock_shared())
    }

    /// Takes the lock exclusively. False if another process has it, shared or exclusively.
    pub(crate) fn try_exclusive(&self) -> io::Result<bool> {
        granted(self.0.try_lock())
    }

    /// Takes the lock exclusively, and waits for it without a time limit.
    pub(crate) fn exclusive(&self) -> io::Result<()> {
        self.0.lock()
    }

    /// Takes the lock exclusively. False if it was not free before the deadline.
    pub(crate) fn exclusive_until(&self, deadline: Instant) -> io::Result<bool> {
        loop {
            if self.try_exclusive()? {
                return Ok(true);
            }
            if !pause_until(deadline) {
                return Ok(false);
            }
        }
    }

    /// Gives the lock back.
    pub(crate) fn unlock(&self) -> io::Result<()> {
        self.0.unlock()
    }
}

/// Sleeps for the 5 ms between two attempts. False, and at once, when the deadline has passed.
pub(crate) fn pause_until(deadline: Instant) -> bool {
    if Instant::now() >= deadline {
        return false;
    }
    sleep(PAUSE);
    true
}

fn granted(outcome: Result<(), TryLockError>) -> io::Result<bool> {
    match outcome {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_shared_or_exclusive_until_it_is_dropped() {
        let directory = tempfile::tempdir().unwrap();
        let open = || LockFile::open(&directory.path().join("lock")).unwrap();
        let (one, two) = (open(), open());
        assert!(one.try_shared().unwrap() && two.try_shared().unwrap());
        assert!(!one.exclusive_until(Instant::now()).unwrap());
        drop(two);
        assert!(one.try_exclusive().unwrap());
        assert!(!open().try_shared().unwrap());
        one.unlock().unwrap();
        assert!(open().exclusive_until(Instant::now()).unwrap());
    }
}
