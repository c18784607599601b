//! The process itself: hardened against leaks, and told to stop.

pub(in crate::cli) mod launch;

use std::sync::OnceLock;

/// A signal asked the command to stop.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub(super) enum Interrupted {
    /// Ctrl-C.
    #[error("interrupted")]
    ByUser,
    /// SIGTERM.
    #[cfg(unix)]
    #[error("terminated")]
    Terminated,
    /// SIGHUP: the terminal is gone.
    #[cfg(unix)]
    #[error("the terminal hung up")]
    HungUp,
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

/// Waits for Ctrl-C, a request to terminate, or the terminal's end. Where signals cannot be heard, the system's own way to
/// end a process is left as it is.
pub(super) async fn interrupted() -> Interrupted {
    match interruption() {
        Ok(interruption) => interruption.await,
        Err(_) => std::future::pending().await,
    }
}

/// Ctrl-C, a request to terminate, or the terminal's end, heard from now on.
#[cfg(unix)]
pub(super) fn interruption() -> std::io::Result<impl Future<Output = Interrupted>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_ups = hears_hang_up()
        .then(|| signal(SignalKind::hangup()))
        .transpose()?;
    let end_of_terminal = async move {
        match &mut hang_ups {
            Some(signals) => signals.recv().await,
            None => std::future::pending().await,
        }
    };
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => Interrupted::ByUser,
            _ = terminate.recv() => Interrupted::Terminated,
            _ = end_of_terminal => Interrupted::HungUp,
        }
    })
}

/// Whether the terminal's end is to stop the command: not under nohup(1), which has the signal ignored.
#[cfg(target_os = "linux")]
fn hears_hang_up() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| !ignores_hang_up(&status))
}

/// Where it is not known whether the signal is ignored, it is left as it is.
#[cfg(all(unix, not(target_os = "linux")))]
const fn hears_hang_up() -> bool {
    false
}

/// Looks into a process's status as proc(5) has it. SIGHUP is the first of the signals.
#[cfg(target_os = "linux")]
fn ignores_hang_up(status: &str) -> bool {
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.is_none_or(|mask| u64::from_str_radix(mask.trim(), 16).is_ok_and(|mask| mask & 1 != 0))
}

/// Ctrl-C, heard from now on.
#[cfg(windows)]
pub(super) fn interruption() -> std::io::Result<impl Future<Output = Interrupted>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
        Interrupted::ByUser
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn an_ignored_signal_is_found() {
        for (status, ignored) in [
            ("Name:\tx\nSigIgn:\t0000000000000001\n", true),
            ("SigIgn:\t0000000000001001\nSigCgt:\t0000000000000000\n", true),
            ("SigIgn:\t0000000000001000\nSigCgt:\t0000000000000001\n", false),
            ("", true),
        ] {
            assert_eq!(ignores_hang_up(status), ignored, "{status}");
        }
    }
}
