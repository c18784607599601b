//! The error of a call, as its caller is told.

use crate::server::audit::Unrecorded;
use crate::server::memory::Busy;
use crate::server::oauth::{CredentialError, TokenEndpointError};
use crate::server::store::{AuditOutcome, STORE_FAILED, StoreError};
use crate::wire::{Content, DecodeError, ErrorCode};

/// The error of a call. Its text contains no value and nothing about secrets that the caller may not see.
#[derive(Debug)]
pub(super) struct CallError {
    code: ErrorCode,
    text: String,
}

impl CallError {
    pub(super) fn new(code: ErrorCode, text: impl Into<String>) -> Self {
        Self {
            code,
            text: text.into(),
        }
    }

    pub(super) const fn code(&self) -> ErrorCode {
        self.code
    }

    /// What the audit log says of a call that ends with this error.
    pub(super) const fn outcome(&self) -> AuditOutcome {
        match self.code {
            ErrorCode::PermissionDenied => AuditOutcome::Denied,
            ErrorCode::InvalidRequest => AuditOutcome::Invalid,
            ErrorCode::NotFound => AuditOutcome::NotFound,
            ErrorCode::Conflict | ErrorCode::AlreadyExists | ErrorCode::InvalidState => {
                AuditOutcome::Conflict
            }
            ErrorCode::Timeout => AuditOutcome::TimedOut,
            _ => AuditOutcome::Failed,
        }
    }

    pub(super) fn into_content(self) -> Content {
        Content::error(self.code, self.text)
    }
}

impl From<DecodeError> for CallError {
    fn from(error: DecodeError) -> Self {
        Self::new(ErrorCode::InvalidRequest, error.to_string())
    }
}

impl From<Unrecorded> for CallError {
    fn from(unrecorded: Unrecorded) -> Self {
        Self::new(ErrorCode::OperationFailed, unrecorded.to_string())
    }
}

impl From<Busy> for CallError {
    fn from(busy: Busy) -> Self {
        Self::new(ErrorCode::OperationFailed, busy.to_string())
    }
}

impl From<StoreError> for CallError {
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::OverLimit { .. }) {
            tracing::info!(%error, "a change was refused");
        } else {
            tracing::error!(%error, "the store failed");
        }
        let text = match error {
            // These name files, keys or causes, which are for the operator alone: they are in the server's log.
            StoreError::Io { .. }
            | StoreError::Database(_)
            | StoreError::Foreign(_)
            | StoreError::BadKey { .. }
            | StoreError::WrongKey { .. }
            | StoreError::KeyMissing { .. } => STORE_FAILED.to_owned(),
            other => format!("{other}; {}", other.hint()),
        };
        Self::new(ErrorCode::OperationFailed, text)
    }
}

impl From<TokenEndpointError> for CallError {
    fn from(error: TokenEndpointError) -> Self {
        let code = match error {
            TokenEndpointError::NotAnEndpoint
            | TokenEndpointError::NotEncrypted
            | TokenEndpointError::NotPublic => ErrorCode::InvalidRequest,
            _ => ErrorCode::OperationFailed,
        };
        Self::new(code, error.to_string())
    }
}

impl From<CredentialError> for CallError {
    fn from(error: CredentialError) -> Self {
        match error {
            CredentialError::Endpoint(error) => error.into(),
            CredentialError::Store(error) => error.into(),
            CredentialError::Lost | CredentialError::Stopping => {
                Self::new(ErrorCode::OperationFailed, error.to_string())
            }
        }
    }
}
