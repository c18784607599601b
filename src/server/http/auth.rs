//! Who somebody is: reads the credential of a request.

use axum::http::{HeaderMap, header::AUTHORIZATION};
use subtle::ConstantTimeEq;

use crate::sensitive::SensitiveText;
use crate::server::caller::Caller;
use crate::server::clock;
use crate::server::keys::local_token;
use crate::server::state::State;
use crate::token::{ParticipantToken, TokenError};
use crate::wire::RoomName;

/// Why a credential is not accepted, and the status that says so.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("a credential is needed: Authorization: Bearer …")]
    Missing,
    #[error(transparent)]
    Invalid(TokenError),
    #[error(transparent)]
    WrongRoom(TokenError),
}

/// The bearer credential of a request; the header wins over `token` in the query.
pub(super) fn bearer(headers: &HeaderMap, query: Option<String>) -> Option<SensitiveText> {
    let header = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| {
            let (scheme, credential) = value.split_once(' ')?;
            scheme
                .eq_ignore_ascii_case("bearer")
                .then(|| credential.trim().to_owned())
        });
    header
        .or(query)
        .filter(|credential| !credential.is_empty())
        .map(SensitiveText::from)
}

/// The participant whose token this is, if it is good for `room`.
pub(super) fn participant(
    state: &State,
    token: Option<&SensitiveText>,
    room: &RoomName,
) -> Result<Caller, Refusal> {
    let token = token.ok_or(Refusal::Missing)?;
    let token = ParticipantToken::verify_for_room(token.expose(), &state.keys.api_key, clock::now(), room)
        .map_err(|error| match error {
            TokenError::WrongRoom => Refusal::WrongRoom(error),
            other => Refusal::Invalid(other),
        })?;
    Ok(Caller {
        identity: token.identity,
        role: token.role,
        api: token.api.unwrap_or_default(),
        expires_at: token.expires_at,
    })
}

/// The participant token that a connect call is answered with: the owner's for the API key; a
/// participant token for that room is handed back.
pub(super) fn exchange(
    state: &State,
    credential: Option<SensitiveText>,
    room: &RoomName,
) -> Result<SensitiveText, Refusal> {
    let credential = credential.ok_or(Refusal::Missing)?;
    let api_key = state.keys.api_key.text();
    if bool::from(credential.expose().as_bytes().ct_eq(api_key.expose().as_bytes())) {
        return local_token(&state.keys.api_key, state.owner.clone(), room.clone(), true)
            .map_err(Refusal::Invalid);
    }
    participant(state, Some(&credential), room)?;
    Ok(credential)
}
