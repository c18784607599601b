//! A command that a signal ended.

/// A signal asked the command to stop.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub(in crate::cli) enum Interrupted {
    /// Ctrl-C.
    #[error("interrupted")]
    ByUser,
    /// SIGTERM.
    #[cfg(unix)]
    #[error("terminated")]
    Terminated,
    /// SIGHUP: the terminal was closed.
    #[cfg(unix)]
    #[error("the terminal hung up")]
    HungUp,
}
