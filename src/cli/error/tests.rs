//! What the errors of the library come out as.

use std::io;

use super::*;
use crate::room::RoomError;
use crate::secrets::SecretsError;
use crate::wire::ErrorCode;

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
