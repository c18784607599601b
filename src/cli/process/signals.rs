//! The signals that ask a command to stop.

use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::error::Interrupted;

/// Waits for Ctrl-C, a request to terminate, or the terminal's end. Where signals cannot be heard, the system's own way to
/// end a process is left as it is.
pub(in crate::cli) async fn interrupted() -> Interrupted {
    match interruption() {
        Ok(interruption) => interruption.await,
        Err(_) => std::future::pending().await,
    }
}

/// The first of these signals that comes from now on.
pub(in crate::cli) fn interruption() -> io::Result<impl Future<Output = Interrupted>> {
    let mut signals = Interruptions::hear()?;
    Ok(async move { signals.next().await })
}

/// Has a write beyond the limit of file sizes (`ulimit -f`) fail with an error. Without that SIGXFSZ ends the process,
/// which leaves half a file and says nothing.
#[cfg(unix)]
pub(in crate::cli) fn fail_at_file_size_limit() {
    // The handler stays when the stream of signals is dropped.
    let _ = signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()));
}

/// There is no such limit.
#[cfg(not(unix))]
pub(in crate::cli) const fn fail_at_file_size_limit() {}

/// Ctrl-C, requests to terminate, and the terminal's end.
#[cfg(unix)]
#[derive(Debug)]
pub(in crate::cli) struct Interruptions {
    interrupt: Signal,
    terminate: Signal,
    /// None where the signal is left as it is.
    hang_up: Option<Signal>,
}

#[cfg(unix)]
impl Interruptions {
    /// Hears the signals from now on.
    pub(in crate::cli) fn hear() -> io::Result<Self> {
        let hang_up = hears_hang_up().then(|| signal(SignalKind::hangup()));
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: hang_up.transpose()?,
        })
    }

    /// Waits for the next one.
    pub(in crate::cli) async fn next(&mut self) -> Interrupted {
        let hang_up = async {
            match &mut self.hang_up {
                Some(signals) => signals.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => Interrupted::ByUser,
            _ = self.terminate.recv() => Interrupted::Terminated,
            _ = hang_up => Interrupted::HungUp,
        }
    }
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

/// Ctrl-C.
#[cfg(windows)]
#[derive(Debug)]
pub(in crate::cli) struct Interruptions(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Interruptions {
    /// Hears it from now on.
    pub(in crate::cli) fn hear() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    /// Waits for the next one.
    pub(in crate::cli) async fn next(&mut self) -> Interrupted {
        self.0.recv().await;
        Interrupted::ByUser
    }
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
