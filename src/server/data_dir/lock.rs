//! Who holds the directory: one server alone, or local commands together.
//!
//! The lock is the operating system's, on the file `lock`, so it ends with its process. Beside it lies
//! the address that a running server has published; only who finds the directory locked believes it.

use std::fs::{File, TryLockError};
use std::io;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::server::shutdown::FINISH_TIME;

/// How long a lock is waited for: longer than a server takes to stop, which closes its store after it has
/// let its connections go.
pub(crate) const PATIENCE: Duration = FINISH_TIME.saturating_add(Duration::from_secs(3));
const PAUSE: Duration = Duration::from_millis(5);

/// Who else holds the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// Local commands.
    Together,
    /// A server.
    Alone,
}

/// Takes the lock alone. Commands that hold it are waited for until `deadline`, a server is not.
/// `no_server` runs while the lock is held together, so while no server can run.
pub(super) fn alone(
    file: &File,
    deadline: Instant,
    mut no_server: impl FnMut() -> io::Result<()>,
) -> io::Result<Result<(), Held>> {
    loop {
        if !granted(file.try_lock_shared())? {
            return Ok(Err(Held::Alone));
        }
        no_server()?;
        file.unlock()?;
        if granted(file.try_lock())? {
            return Ok(Ok(()));
        }
        if !pause(deadline) {
            return Ok(Err(Held::Together));
        }
    }
}

/// Takes the lock together with others. False if a server has it.
pub(super) fn together(file: &File) -> io::Result<bool> {
    granted(file.try_lock_shared())
}

/// Takes the lock of `file` alone, whoever has it. False if it was not to be had until `deadline`.
pub(crate) fn wait_for(file: &File, deadline: Instant) -> io::Result<bool> {
    loop {
        if granted(file.try_lock())? {
            return Ok(true);
        }
        if !pause(deadline) {
            return Ok(false);
        }
    }
}

/// Waits for a moment. False when the deadline has passed.
pub(super) fn pause(deadline: Instant) -> bool {
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
