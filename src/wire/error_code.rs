//! The codes of `error` contents (protocol, "Content").

/// Why a call failed, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorCode {
    /// 1001
    PermissionDenied,
    /// 1002
    InvalidRequest,
    /// 1003
    NotFound,
    /// 1004
    AlreadyExists,
    /// 1005
    Conflict,
    /// 1006
    InvalidState,
    /// 1007
    DependencyMissing,
    /// 1008
    OperationFailed,
    /// 1009
    Timeout,
    /// 1100
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

    /// The code with this number, if it is one of the protocol's.
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, known)| *known == number)
            .map(|(code, _)| *code)
    }
}
