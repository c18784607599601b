//! What signing in and asking about the account may end in.

use std::error::Error;

use super::classify::{Classified, of_room, of_settings};
use super::{GivenUp, Kind, NoWayBack};
use crate::account::AccountError;
use crate::oauth::{CallbackError, LoopbackError, OAuthError};
use crate::room::RoomError;

/// What to do where a sign-in is over.
const SIGN_IN_AGAIN: &str = "sign in again with `meshagent auth login`";

/// Classifies the error, if it is one of these.
pub(super) fn classify(cause: &(dyn Error + 'static)) -> Option<Classified> {
    if let Some(error) = cause.downcast_ref::<AccountError>() {
        return Some(of_account(error));
    }
    let (kind, hint) = if let Some(error) = cause.downcast_ref::<OAuthError>() {
        of_oauth(error)
    } else if let Some(error) = cause.downcast_ref::<CallbackError>() {
        of_callback(error)
    } else if let Some(error) = cause.downcast_ref::<LoopbackError>() {
        of_loopback(error)
    } else if cause.is::<GivenUp>() {
        (Kind::Failed, "run the command again")
    } else if cause.is::<NoWayBack>() {
        (
            Kind::Usage,
            "use one like http://127.0.0.1/callback, or run the command at a terminal",
        )
    } else {
        return None;
    };
    Some(Classified::lasting(kind, Some(hint.to_owned())))
}

fn of_account(error: &AccountError) -> Classified {
    let (kind, hint, retryable) = match error {
        AccountError::Settings(error) => return of_settings(error),
        AccountError::Net(error) => return of_room(&RoomError::from(error.clone())),
        AccountError::OAuth(error) => {
            let (kind, hint) = of_oauth(error);
            (kind, hint, false)
        }
        AccountError::SessionOver => (Kind::NotPermitted, SIGN_IN_AGAIN, false),
        AccountError::Refused { .. } => (
            Kind::NotPermitted,
            "sign in again with `meshagent auth login`, or check MESHAGENT_API_KEY or MESHAGENT_TOKEN",
            false,
        ),
        AccountError::BadResponse { .. } => (
            Kind::Unreachable,
            "check the address (--api-url, MESHAGENT_API_URL)",
            false,
        ),
        _ => return Classified::lasting(Kind::Failed, None),
    };
    Classified {
        kind,
        hint: Some(hint.to_owned()),
        retryable,
    }
}

fn of_oauth(error: &OAuthError) -> (Kind, &'static str) {
    match error {
        OAuthError::Refused(_) => (
            Kind::Rejected,
            "the provider's documentation says what its error code means",
        ),
        _ => (Kind::Failed, "check the address of the token endpoint"),
    }
}

fn of_callback(error: &CallbackError) -> (Kind, &'static str) {
    match error {
        CallbackError::Denied { .. } => (
            Kind::Rejected,
            "if that was a mistake, run the command again and agree in the browser",
        ),
        CallbackError::WrongIssuer => (
            Kind::Failed,
            "check that the endpoints are those of one provider; if they are, somebody else tried to answer",
        ),
        _ => (Kind::Failed, "run the command again"),
    }
}

fn of_loopback(error: &LoopbackError) -> (Kind, &'static str) {
    match error {
        LoopbackError::NotLoopback | LoopbackError::BadUri(_) => {
            (Kind::Usage, "use one like http://127.0.0.1/callback")
        }
        LoopbackError::Taken(_) => (
            Kind::Failed,
            "end the program that has the port; or use --no-browser, and paste the address that the browser ends on",
        ),
        _ => (
            Kind::Failed,
            "use --no-browser, and paste the address that the browser ends on",
        ),
    }
}
