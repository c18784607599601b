//! The kinds of failure, and their exit codes.

/// What kind of failure it is; each has its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Kind {
    Failed,
    Usage,
    NotFound,
    NotPermitted,
    /// The participant or the person that was asked refused.
    Rejected,
    TimedOut,
    Unreachable,
    /// A command that was to be run is there and cannot be started.
    CannotRun,
    /// A command that was to be run is not there.
    NoSuchCommand,
    /// The terminal was closed.
    HungUp,
    Interrupted,
    Terminated,
    /// The reader of the output closed it. No message is printed, as with other tools.
    ClosedPipe,
}

impl Kind {
    /// All of them, by exit code.
    pub(in crate::cli) const ALL: [Self; 13] = [
        Self::Failed,
        Self::Usage,
        Self::NotFound,
        Self::NotPermitted,
        Self::Rejected,
        Self::TimedOut,
        Self::Unreachable,
        Self::CannotRun,
        Self::NoSuchCommand,
        Self::HungUp,
        Self::Interrupted,
        Self::ClosedPipe,
        Self::Terminated,
    ];

    pub(in crate::cli) const fn exit_code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::NotPermitted => 4,
            Self::Rejected => 5,
            Self::TimedOut => 6,
            Self::Unreachable => 7,
            Self::CannotRun => 126,
            Self::NoSuchCommand => 127,
            Self::HungUp => 129,
            Self::Interrupted => 130,
            Self::Terminated => 143,
            Self::ClosedPipe => 141,
        }
    }

    /// What happened, for people.
    pub(in crate::cli) const fn meaning(self) -> &'static str {
        match self {
            Self::Failed => "failed: a file, the store, an answer that makes no sense",
            Self::Usage => "wrong usage: a flag, a variable or a value that cannot be used",
            Self::NotFound => "not found; or `exists --exit-code` said false",
            Self::NotPermitted => "not signed in, or not permitted",
            Self::Rejected => "rejected, by the participant that was asked or at the OAuth provider",
            Self::TimedOut => "timed out",
            Self::Unreachable => "could not reach the server, or the connection broke",
            Self::CannotRun => "`run`: the command is there and cannot be run",
            Self::NoSuchCommand => "`run`: there is no such command",
            Self::HungUp => "the terminal is gone (SIGHUP)",
            Self::Interrupted => "interrupted (Ctrl-C)",
            Self::Terminated => "terminated (SIGTERM)",
            Self::ClosedPipe => "whoever read the output stopped reading",
        }
    }

    pub(in crate::cli) const fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::NotFound => "not_found",
            Self::NotPermitted => "not_permitted",
            Self::Rejected => "rejected",
            Self::TimedOut => "timed_out",
            Self::Unreachable => "unreachable",
            Self::CannotRun => "cannot_run",
            Self::NoSuchCommand => "no_such_command",
            Self::HungUp => "hung_up",
            Self::Interrupted => "interrupted",
            Self::Terminated => "terminated",
            Self::ClosedPipe => "closed_pipe",
        }
    }
}
