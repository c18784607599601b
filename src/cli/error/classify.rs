//! From a library's error to its kind, its hint, and whether it may pass by itself.

use std::io;

use super::{CommandError, Interrupted, Kind, classify_account};
use crate::net::NetError;
use crate::room::RoomError;
use crate::secrets::SecretsError;
use crate::server::TlsError;
use crate::server::backup::BackupError;
use crate::server::data_dir::DataDirError;
use crate::server::store::{KeyRingError, StoreError};
use crate::settings::{SettingsError, SettingsErrorKind};
use crate::token::{ApiKeyError, TokenError};
use crate::wire::{ErrorCode, NameError};

/// What an error is to the user.
#[derive(Debug)]
pub(super) struct Classified {
    pub(super) kind: Kind,
    /// What to do about it.
    pub(super) hint: Option<String>,
    /// Whether the same command may succeed later.
    pub(super) retryable: bool,
}

impl Classified {
    /// An error that stays as it is when the command is run again.
    pub(super) const fn lasting(kind: Kind, hint: Option<String>) -> Self {
        Self {
            kind,
            hint,
            retryable: false,
        }
    }
}

/// Classifies by the first cause that is known.
pub(super) fn classify(error: &anyhow::Error) -> Classified {
    for cause in error.chain() {
        if let Some(error) = cause.downcast_ref::<CommandError>() {
            return Classified {
                kind: error.kind,
                hint: error.hint.clone(),
                retryable: error.kind == Kind::TimedOut,
            };
        }
        if let Some(interruption) = cause.downcast_ref::<Interrupted>() {
            let kind = match interruption {
                Interrupted::ByUser => Kind::Interrupted,
                #[cfg(unix)]
                Interrupted::Terminated => Kind::Terminated,
                #[cfg(unix)]
                Interrupted::HungUp => Kind::HungUp,
            };
            return Classified {
                kind,
                hint: None,
                retryable: true,
            };
        }
        if let Some(SecretsError::Room(error)) = cause.downcast_ref::<SecretsError>() {
            return of_room(error);
        }
        if let Some(SecretsError::OwnerUnknown { .. }) = cause.downcast_ref::<SecretsError>() {
            let hint = "this server cannot read from one owner: without --delegated-by, --delegated-to YOUR-NAME reads what was delegated to you";
            return Classified::lasting(Kind::Failed, Some(hint.to_owned()));
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
            return Classified::lasting(Kind::Failed, Some(error.hint().to_owned()));
        }
        if let Some(error) = cause.downcast_ref::<TlsError>() {
            return Classified::lasting(Kind::Failed, Some(error.hint().to_owned()));
        }
        if let Some(error) = cause.downcast_ref::<BackupError>() {
            return of_backup(error);
        }
        if let Some(error) = cause.downcast_ref::<KeyRingError>() {
            let kind = match error {
                KeyRingError::UnknownApiKey(_) => Kind::NotFound,
                _ => Kind::Failed,
            };
            return Classified::lasting(kind, Some(error.hint().to_owned()));
        }
        if let Some(error) = cause.downcast_ref::<StoreError>() {
            return Classified::lasting(Kind::Failed, Some(error.hint().to_owned()));
        }
        if cause.is::<NameError>() {
            return Classified::lasting(Kind::Usage, None);
        }
        if cause.is::<ApiKeyError>() || cause.is::<TokenError>() {
            return Classified::lasting(Kind::NotPermitted, None);
        }
        if let Some(error) = cause.downcast_ref::<io::Error>() {
            return of_io(error.kind());
        }
    }
    Classified::lasting(Kind::Failed, None)
}

pub(super) fn of_settings(error: &SettingsError) -> Classified {
    let kind = match error.kind() {
        SettingsErrorKind::Usage => Kind::Usage,
        SettingsErrorKind::NotSignedIn => Kind::NotPermitted,
        SettingsErrorKind::Failed => Kind::Failed,
    };
    Classified::lasting(kind, error.hint())
}

fn of_backup(error: &BackupError) -> Classified {
    match error {
        BackupError::Io { source, .. } => of_io(source.kind()),
        BackupError::KeyWithoutEncryption => {
            Classified::lasting(Kind::Usage, error.hint().map(str::to_owned))
        }
        _ => Classified::lasting(Kind::Failed, error.hint().map(str::to_owned)),
    }
}

/// A file or a stream that cannot be written.
fn of_io(kind: io::ErrorKind) -> Classified {
    use io::ErrorKind::{
        BrokenPipe, FileTooLarge, NotADirectory, NotFound, PermissionDenied, QuotaExceeded,
        ReadOnlyFilesystem, StorageFull,
    };
    let hint = match kind {
        BrokenPipe => return Classified::lasting(Kind::ClosedPipe, None),
        NotFound | NotADirectory => Some("check that the directory is there"),
        PermissionDenied | ReadOnlyFilesystem => Some("check the permissions, or choose another place"),
        FileTooLarge => Some("the system lets this process write no file as large as this (ulimit -f)"),
        StorageFull | QuotaExceeded => Some("make room there, or choose another place"),
        _ => None,
    };
    Classified::lasting(Kind::Failed, hint.map(str::to_owned))
}

pub(super) fn of_room(error: &RoomError) -> Classified {
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
        RoomError::Closed(_) | RoomError::Busy(_) | RoomError::BadResponse { .. } => (
            Kind::Unreachable,
            Some("try again; if it stays so, ask whoever runs the server"),
        ),
        RoomError::NoParticipantList => (
            Kind::Failed,
            Some("name the participant by its id: --from-participant-id ID"),
        ),
        RoomError::Unauthorized(_) => (
            Kind::NotPermitted,
            Some("check MESHAGENT_API_KEY or MESHAGENT_TOKEN; a token may have expired"),
        ),
        RoomError::Forbidden(_) => (
            Kind::NotPermitted,
            Some("check MESHAGENT_API_KEY or MESHAGENT_TOKEN: it may have expired, or be for another room"),
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
            Some(ErrorCode::Conflict) => (
                Kind::Failed,
                Some("name whose secret you want with --delegated-by"),
            ),
            Some(ErrorCode::InvalidRequest) => (Kind::Usage, None),
            _ => (Kind::Failed, None),
        },
        _ => (Kind::Failed, None),
    };
    Classified {
        kind,
        hint: hint.map(str::to_owned),
        retryable: error.is_retryable(),
    }
}
