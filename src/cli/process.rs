//! The process itself: hardened against leaks, and told to stop.

use std::sync::OnceLock;

/// A signal asked the command to stop.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("interrupted")]
pub(super) struct Interrupted {
    /// It was SIGTERM and not Ctrl-C.
    pub(super) terminated: bool,
}

/// What [`harden`] changed that a command would inherit which takes this process's place.
static BEFORE: OnceLock<Before> = OnceLock::new();

/// Keeps secrets out of core dumps and panic messages.
pub(super) fn harden() {
    std::panic::set_hook(Box::new(|panic| {
        // The message may hold what the code was working on; the place alone does not.
        let place = panic
            .location()
            .map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
        super::ui::error_line(&format!(
            "error: this is a bug in meshagent{place}; please report it"
        ));
    }));
    BEFORE.get_or_init(no_core_dump);
}

/// Gives a command that takes this process's place the limits that this process was started with. What
/// else [`harden`] changed does not outlive it.
#[cfg(unix)]
pub(super) fn restore_limits() {
    if let Some(core) = BEFORE.get() {
        // It can be no higher than what was allowed before.
        let _ = rustix::process::setrlimit(rustix::process::Resource::Core, *core);
    }
}

#[cfg(unix)]
type Before = rustix::process::Rlimit;

#[cfg(not(unix))]
type Before = ();

/// Forbids core dumps; what was allowed before.
#[cfg(unix)]
fn no_core_dump() -> Before {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let before = getrlimit(Resource::Core);
    // Refused only where the limit is lower already.
    let _ = setrlimit(
        Resource::Core,
        Rlimit {
            current: Some(0),
            maximum: before.maximum,
        },
    );
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
    before
}

#[cfg(not(unix))]
const fn no_core_dump() -> Before {}

/// Waits for Ctrl-C or a request to terminate. Where signals cannot be heard, the system's own way to
/// end a process is left as it is.
pub(super) async fn interrupted() -> Interrupted {
    match interruption() {
        Ok(interruption) => interruption.await,
        Err(_) => std::future::pending().await,
    }
}

/// Ctrl-C or a request to terminate, heard from now on.
#[cfg(unix)]
pub(super) fn interruption() -> std::io::Result<impl Future<Output = Interrupted>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => Interrupted { terminated: false },
            _ = terminate.recv() => Interrupted { terminated: true },
        }
    })
}

/// Ctrl-C, heard from now on.
#[cfg(windows)]
pub(super) fn interruption() -> std::io::Result<impl Future<Output = Interrupted>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
        Interrupted { terminated: false }
    })
}
