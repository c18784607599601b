//! The process itself: hardened against leaks, and told to stop.

/// A signal asked the command to stop.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("interrupted")]
pub(super) struct Interrupted {
    /// It was SIGTERM and not Ctrl-C.
    pub(super) terminated: bool,
}

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
    no_core_dump();
}

#[cfg(unix)]
fn no_core_dump() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let hard = getrlimit(Resource::Core).maximum;
    // Refused only where the limit is lower already.
    let _ = setrlimit(
        Resource::Core,
        Rlimit {
            current: Some(0),
            maximum: hard,
        },
    );
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

#[cfg(not(unix))]
const fn no_core_dump() {}

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
