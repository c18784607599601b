//! From errors to exit codes: the one place where that is decided.

pub(in crate::cli) mod classify_account;

use std::fmt;
use std::io;
use std::process::ExitCode;

use clap::ValueEnum;
use serde_json::json;

use super::process::Interrupted;
use crate::net::{NetError, reason};
use crate::room::RoomError;
use crate::secrets::SecretsError;
use crate::server::data_dir::DataDirError;
use crate::server::store::StoreError;
use crate::settings::{SettingsError, SettingsErrorKind};
use crate::token::{ApiKeyError, TokenError};
use crate::wire::{ErrorCode, NameError};

/// How a command ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It did what it was asked.
    Done,
    /// It was asked whether something is there, and it is not.
    Absent,
    /// It ran another command, which ended with this code.
    #[cfg(not(unix))]
    Ran(u8),
}

impl Outcome {
    pub(super) fn exit_code(self) -> ExitCode {
        match self {
            Self::Done => ExitCode::SUCCESS,
            Self::Absent => ExitCode::from(Kind::NotFound.exit_code()),
            #[cfg(not(unix))]
            Self::Ran(code) => ExitCode::from(code),
        }
    }
}

/// Form of errors on stderr.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum ErrorFormat {
    /// A sentence and a hint.
    #[default]
    Text,
    /// One line of JSON.
    Json,
}

/// What kind of failure it is; each has its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Failed,
    Usage,
    NotFound,
    NotPermitted,
    /// Somebody who was asked said no.
    Rejected,
    TimedOut,
    Unreachable,
    /// A command that was to be run is there and cannot be started.
    CannotRun,
    /// A command that was to be run is not there.
    NoSuchCommand,
    /// The terminal is gone.
    HungUp,
    Interrupted,
    Terminated,
    /// Whoever read our output stopped reading; said by nothing but the code, as other tools do.
    ClosedPipe,
}

impl Kind {
    /// All of them, by exit code.
    pub(super) const ALL: [Self; 13] = [
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

    pub(super) const fn exit_code(self) -> u8 {
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
    pub(super) const fn meaning(self) -> &'static str {
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

    pub(super) const fn name(self) -> &'static str {
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

/// An error that a command itself finds.
#[derive(Debug)]
pub(super) struct CommandError {
    kind: Kind,
    message: String,
    hint: Option<String>,
}

impl CommandError {
    pub(super) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: None,
        }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CommandError {}

/// An error as the user is told it.
#[derive(Debug)]
pub(super) struct Failure {
    kind: Kind,
    pub(super) message: String,
    pub(super) hint: Option<String>,
    pub(super) retryable: bool,
}

impl Failure {
    /// Folds any error of a command.
    pub(super) fn of(error: &anyhow::Error) -> Self {
        let (kind, hint, retryable) = classify(error);
        Self {
            kind,
            message: reason(error.as_ref()),
            hint,
            retryable,
        }
    }

    /// A command line that could not be parsed.
    pub(super) fn usage(error: &clap::Error) -> Self {
        let rendered = error.render().to_string();
        let lines: Vec<&str> = rendered
            .lines()
            .map(str::trim)
            .take_while(|line| !line.is_empty())
            .collect();
        let message = lines.join(" ").trim_start_matches("error: ").to_owned();
        let hint = Some("try '--help'".to_owned());
        Self {
            kind: Kind::Usage,
            message,
            hint,
            retryable: false,
        }
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.kind.exit_code())
    }

    /// Whether the exit code says it all.
    pub(super) const fn is_silent(&self) -> bool {
        matches!(
            self.kind,
            Kind::HungUp | Kind::Interrupted | Kind::Terminated | Kind::ClosedPipe
        )
    }

    pub(super) fn to_json(&self) -> String {
        json!({"error": {
            "kind": self.kind.name(),
            "message": self.message,
            "hint": self.hint,
            "retryable": self.retryable,
            "exit_code": self.kind.exit_code(),
        }})
        .to_string()
    }
}

/// One error that says all of these, if there are any; its kind and its hint are the first one's.
pub(super) fn together(mut errors: Vec<anyhow::Error>) -> anyhow::Result<()> {
    if errors.len() == 1 {
        return errors.pop().map_or(Ok(()), Err);
    }
    let mut failures = errors.iter().map(Failure::of);
    let Some(first) = failures.next() else {
        return Ok(());
    };
    let messages: Vec<String> = std::iter::once(first.message)
        .chain(failures.map(|failure| failure.message))
        .collect();
    Err(CommandError {
        kind: first.kind,
        message: messages.join("; "),
        hint: first.hint,
    }
    .into())
}

/// Kind, hint and whether it may pass by itself.
fn classify(error: &anyhow::Error) -> (Kind, Option<String>, bool) {
    for cause in error.chain() {
        if let Some(error) = cause.downcast_ref::<CommandError>() {
            return (error.kind, error.hint.clone(), error.kind == Kind::TimedOut);
        }
        if let Some(interruption) = cause.downcast_ref::<Interrupted>() {
            let kind = match interruption {
                Interrupted::ByUser => Kind::Interrupted,
                #[cfg(unix)]
                Interrupted::Terminated => Kind::Terminated,
                #[cfg(unix)]
                Interrupted::HungUp => Kind::HungUp,
            };
            return (kind, None, true);
        }
        if let Some(SecretsError::Room(error)) = cause.downcast_ref::<SecretsError>() {
            return of_room(error);
        }
        if let Some(error) = cause.downcast_ref::<RoomError>() {
            return of_room(error);
        }
        if let Some(error) = cause.downcast_ref::<SettingsError>() {
            return of_settings(error);
        }
        if let Some(found) = classify_account::classify(cause) {
            return found;
        }
        if let Some(error) = cause.downcast_ref::<DataDirError>() {
            return (Kind::Failed, Some(error.hint().to_owned()), false);
        }
        if let Some(error) = cause.downcast_ref::<StoreError>() {
            return (Kind::Failed, Some(error.hint().to_owned()), false);
        }
        if cause.is::<NameError>() {
            return (Kind::Usage, None, false);
        }
        if cause.is::<ApiKeyError>() || cause.is::<TokenError>() {
            return (Kind::NotPermitted, None, false);
        }
        if let Some(error) = cause.downcast_ref::<io::Error>() {
            return of_io(error.kind());
        }
    }
    (Kind::Failed, None, false)
}

fn of_settings(error: &SettingsError) -> (Kind, Option<String>, bool) {
    let kind = match error.kind() {
        SettingsErrorKind::Usage => Kind::Usage,
        SettingsErrorKind::NotSignedIn => Kind::NotPermitted,
        SettingsErrorKind::Failed => Kind::Failed,
    };
    (kind, error.hint(), false)
}

/// A file or a stream that cannot be written.
fn of_io(kind: io::ErrorKind) -> (Kind, Option<String>, bool) {
    use io::ErrorKind::{
        BrokenPipe, NotADirectory, NotFound, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull,
    };
    let hint = match kind {
        BrokenPipe => return (Kind::ClosedPipe, None, false),
        NotFound | NotADirectory => Some("check that the directory is there"),
        PermissionDenied | ReadOnlyFilesystem => Some("check the permissions, or choose another place"),
        StorageFull | QuotaExceeded => Some("make room there, or choose another place"),
        _ => None,
    };
    (Kind::Failed, hint.map(str::to_owned), false)
}

fn of_room(error: &RoomError) -> (Kind, Option<String>, bool) {
    let (kind, hint) = match error {
        RoomError::Net(NetError::Unreachable { .. }) => (
            Kind::Unreachable,
            Some("check the address (--api-url, MESHAGENT_API_URL) and that the server runs"),
        ),
        RoomError::Net(NetError::Silent { .. }) => (
            Kind::TimedOut,
            Some(
                "check the address (--api-url, MESHAGENT_API_URL) and that the server runs; --timeout does not prolong this wait",
            ),
        ),
        RoomError::Net(NetError::BadProxy { .. }) => (
            Kind::Usage,
            Some(
                "write it as http://USER:PASSWORD@HOST:PORT (or https, socks5, socks5h), NO_PROXY as h.example,10.0.0.0/8; or unset it",
            ),
        ),
        RoomError::Net(NetError::ClearThroughProxy { .. }) => (
            Kind::Usage,
            Some("use an https address; or name the host in NO_PROXY, to reach it without the proxy"),
        ),
        RoomError::Net(NetError::Tls(_)) => (
            Kind::Failed,
            Some(
                "SSL_CERT_FILE names a file with root certificates in PEM form; without it the system's are used",
            ),
        ),
        RoomError::NotARoomServer { .. }
        | RoomError::Net(NetError::TooLong { .. } | NetError::NotHttp(_)) => (
            Kind::Unreachable,
            Some("check the address (--api-url, MESHAGENT_API_URL)"),
        ),
        RoomError::Closed(_) | RoomError::Busy(_) | RoomError::BadAnswer { .. } => (
            Kind::Unreachable,
            Some("try again; if it stays so, ask whoever runs the server"),
        ),
        RoomError::Unauthorized(_) => (
            Kind::NotPermitted,
            Some("check MESHAGENT_API_KEY or MESHAGENT_TOKEN; a token may have expired"),
        ),
        RoomError::Forbidden(_) => (
            Kind::NotPermitted,
            Some("check that the credential is for this room"),
        ),
        RoomError::Rejected(_) => (Kind::Rejected, Some("ask them why, or ask somebody else")),
        RoomError::NoSuchRoom(_) => (Kind::NotFound, Some("check --room, --project-id and --api-url")),
        RoomError::Net(NetError::BadAddress { .. }) => (Kind::Usage, None),
        RoomError::Call { code, .. } => match code {
            Some(ErrorCode::PermissionDenied) => (
                Kind::NotPermitted,
                Some("the participant token must carry the grant for this"),
            ),
            Some(ErrorCode::NotFound) => (Kind::NotFound, None),
            Some(ErrorCode::Timeout) => (Kind::TimedOut, None),
            Some(ErrorCode::InvalidRequest) => (Kind::Usage, None),
            _ => (Kind::Failed, None),
        },
        _ => (Kind::Failed, None),
    };
    (kind, hint.map(str::to_owned), error.is_retryable())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes() {
        let call = |code| {
            Failure::of(
                &SecretsError::Room(RoomError::Call {
                    code,
                    message: "m".into(),
                })
                .into(),
            )
        };
        for (code, exit_code) in [
            (Some(ErrorCode::PermissionDenied), 4),
            (Some(ErrorCode::NotFound), 3),
            (Some(ErrorCode::Timeout), 6),
            (Some(ErrorCode::InvalidRequest), 2),
            (Some(ErrorCode::OperationFailed), 1),
            (None, 1),
        ] {
            assert_eq!(call(code).kind.exit_code(), exit_code, "{code:?}");
        }
        let pipe = anyhow::Error::from(io::Error::from(io::ErrorKind::BrokenPipe)).context("writing");
        assert_eq!(Failure::of(&pipe).kind, Kind::ClosedPipe);
    }

    #[test]
    fn several_errors_become_one() {
        let error = |kind, what: &str| CommandError::new(kind, what).hint(format!("about {what}"));
        assert!(together(Vec::new()).is_ok());
        let both = vec![
            error(Kind::TimedOut, "a").into(),
            error(Kind::NotFound, "b").into(),
        ];
        let failure = Failure::of(&together(both).unwrap_err());
        assert_eq!((failure.kind, failure.message.as_str()), (Kind::TimedOut, "a; b"));
        assert_eq!(failure.hint.as_deref(), Some("about a"));
        let one = together(vec![error(Kind::NotFound, "b").into()]).unwrap_err();
        assert_eq!(Failure::of(&one).message, "b");
    }
}
