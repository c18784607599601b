//! The lock of the directory: held by one server alone, or shared by local commands.
//!
//! The lock is on the file `lock`. The address that a running server publishes lies beside it; a command
//! uses that address only while it finds the lock held exclusively.

use std::io;
use std::time::{Duration, Instant};

use crate::fs::{LockFile, pause_until};
use crate::server::shutdown::FINISH_TIME;

/// How long a lock is waited for: longer than a server takes to stop, which closes its store after it has
/// let its connections go.
pub(super) const PATIENCE: Duration = FINISH_TIME.saturating_add(Duration::from_secs(3));

/// The other holder of the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// Local commands.
    Together,
    /// A server.
    Alone,
}

/// Takes the lock for a server. Commands that hold it are waited for until `deadline`, a server is not.
/// `no_server` runs while the lock is shared, when no server can run.
pub(super) fn alone(
    file: &LockFile,
    deadline: Instant,
    mut no_server: impl FnMut() -> io::Result<()>,
) -> io::Result<Result<(), Held>> {
    loop {
        if !file.try_shared()? {
            return Ok(Err(Held::Alone));
        }
        no_server()?;
        file.unlock()?;
        if file.try_exclusive()? {
            return Ok(Ok(()));
        }
        if !pause_until(deadline) {
            return Ok(Err(Held::Together));
        }
    }
}
