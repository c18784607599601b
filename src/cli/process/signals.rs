//! The signals that ask a command to stop.

use crate::cli::error::Interrupted;

/// Waits for Ctrl-C, a request to terminate, or the terminal's end. Where signals cannot be heard, the system's own way to
/// end a process is left as it is.
pub(in crate::cli) async fn interrupted() -> Interrupted {
    match interruption() {
        Ok(interruption) => interruption.await,
        Err(_) => std::future::pending().await,
    }
}

/// Ctrl-C, a request to terminate, or the terminal's end, heard from now on.
#[cfg(unix)]
pub(in crate::cli) fn interruption() -> std::io::Result<impl Future<Output = Interrupted>> {
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
pub(in crate::cli) fn interruption() -> std::io::Result<impl Future<Output = Interrupted>> {
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
