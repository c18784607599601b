//! The codes of `error` contents (protocol, "Content").

/// The reason for which a call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorCode {
    /// 1001: the caller may not do this; or the participant that was asked rejected the request.
    PermissionDenied,
    /// 1002: the input breaks a rule.
    InvalidRequest,
    /// 1003: there is no such secret, request, participant, toolkit or tool.
    NotFound,
    /// 1004: it exists already.
    AlreadyExists,
    /// 1005: several match, or it is in conflict with another call.
    Conflict,
    /// 1006: it is not possible in this state.
    InvalidState,
    /// 1007: something that the call needs is missing, such as a configured connector.
    DependencyMissing,
    /// 1008: it failed.
    OperationFailed,
    /// 1009: it was not done in time.
    Timeout,
    /// 1100: the response is of another type than was expected.
    UnexpectedResponseType,
}

impl ErrorCode {
    const ALL: [(Self, i64); 10] = [
        (Self::PermissionDenied, 1001),
        (Self::InvalidRequest, 1002),
        (Self::NotFound, 1003),
        (Self::AlreadyExists, 1004),
        (Self::Conflict, 1005),
        (Self::InvalidState, 1006),
        (Self::DependencyMissing, 1007),
        (Self::OperationFailed, 1008),
        (Self::Timeout, 1009),
        (Self::UnexpectedResponseType, 1100),
    ];

    /// The number on the wire.
    pub fn number(self) -> i64 {
        Self::ALL
            .iter()
            .find(|(code, _)| *code == self)
            .map_or(0, |(_, number)| *number)
    }

    /// The code in words, as `permission_denied`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PermissionDenied => "permission_denied",
            Self::InvalidRequest => "invalid_request",
            Self::NotFound => "not_found",
            Self::AlreadyExists => "already_exists",
            Self::Conflict => "conflict",
            Self::InvalidState => "invalid_state",
            Self::DependencyMissing => "dependency_missing",
            Self::OperationFailed => "operation_failed",
            Self::Timeout => "timeout",
            Self::UnexpectedResponseType => "unexpected_response_type",
        }
    }

    /// The code with this number; none if the protocol has no such code.
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, known)| *known == number)
            .map(|(code, _)| *code)
    }
}
