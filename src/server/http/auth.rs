//! The credential of a request, as extractors of the routes: a handler that takes one runs only if the
//! credential is accepted for the room in the request's path.

use std::time::Duration;

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::connection::Connection;
use super::refusal::Refusal;
use crate::clock;
use crate::sensitive::SensitiveText;
use crate::server::caller::Caller;
use crate::server::keys::local_token;
use crate::server::state::State;
use crate::wire::RoomName;
use crate::wire::room::Accepts;

/// Lifetime of the token that a connect call with the API key is answered with. A participant that stays longer has to
/// make the connect call again.
const CONNECT_TOKEN_LIFETIME: Duration = Duration::from_hours(24);

/// A participant that may join the room in the path. Its token is in the `Authorization` header, or else in the
/// query as `token`.
#[derive(Debug)]
pub(super) struct JoiningCaller {
    pub(super) room: RoomName,
    pub(super) caller: Caller,
    pub(super) accepts: Accepts,
}

/// The participant token that a connect call is answered with: a new one of the owner if the credential is an
/// API key, or the credential itself if it is a participant token for the room in the path.
#[derive(Debug)]
pub(super) struct RoomToken {
    pub(super) room: RoomName,
    pub(super) token: SensitiveText,
}

#[derive(Deserialize)]
struct RoomPath {
    room: String,
}

#[derive(Deserialize)]
struct JoinQuery {
    token: Option<String>,
    accepts: Option<String>,
}

impl FromRequestParts<Connection> for JoiningCaller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, connection: &Connection) -> Result<Self, Response> {
        let path = Path::from_request_parts(parts, connection).await;
        let path = path.map_err(IntoResponse::into_response)?;
        let query = Query::from_request_parts(parts, connection).await;
        let Query(JoinQuery { token, accepts }) = query.map_err(IntoResponse::into_response)?;
        let joining = || {
            let room = room(path)?;
            let token = bearer(&parts.headers).or_else(|| non_empty(token?));
            let token = token.ok_or(Refusal::NoCredential)?;
            let caller = caller(&connection.state, &token, &room)?;
            Ok(Self {
                room,
                caller,
                accepts: Accepts::parse(&accepts.unwrap_or_default()),
            })
        };
        joining().map_err(|refusal| count(&connection.state, refusal).into_join_response())
    }
}

impl FromRequestParts<Connection> for RoomToken {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, connection: &Connection) -> Result<Self, Response> {
        let path = Path::from_request_parts(parts, connection).await;
        let path = path.map_err(IntoResponse::into_response)?;
        let token = || {
            let room = room(path)?;
            let credential = bearer(&parts.headers).ok_or(Refusal::NoCredential)?;
            let token = room_token(&connection.state, credential, &room)?;
            Ok(Self { room, token })
        };
        token().map_err(|refusal| count(&connection.state, refusal).into_response())
    }
}

/// Counts a credential that is refused, for the audit log.
fn count(state: &State, refusal: Refusal) -> Refusal {
    state.audit.join_refused();
    refusal
}

fn room(Path(path): Path<RoomPath>) -> Result<RoomName, Refusal> {
    RoomName::new(path.room).map_err(Refusal::NoSuchRoom)
}

/// The credential in the `Authorization` header (RFC 6750, section 2.1).
fn bearer(headers: &HeaderMap) -> Option<SensitiveText> {
    let (scheme, credential) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(())?;
    non_empty(credential.trim().to_owned())
}

fn non_empty(credential: String) -> Option<SensitiveText> {
    (!credential.is_empty()).then(|| credential.into())
}

/// The participant that `token` describes, if the token is valid for `room`.
fn caller(state: &State, token: &SensitiveText, room: &RoomName) -> Result<Caller, Refusal> {
    let (token, origin) = state.keys.ring().verify(token.expose(), clock::now())?;
    token.check_room(room)?;
    Ok(Caller {
        identity: token.identity,
        role: token.role,
        api: token.api.unwrap_or_default(),
        expires_at: token.expires_at,
        token: origin,
    })
}

fn room_token(state: &State, credential: SensitiveText, room: &RoomName) -> Result<SensitiveText, Refusal> {
    if let Some(key) = state.keys.ring().api_key(&credential) {
        let owner = state.owner.clone();
        return local_token(key, owner, room.clone(), true, CONNECT_TOKEN_LIFETIME)
            .map_err(Refusal::InvalidToken);
    }
    caller(state, &credential, room)?;
    Ok(credential)
}
