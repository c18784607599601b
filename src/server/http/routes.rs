//! The requests a server answers: connect, join, health.

use std::sync::Arc;

use axum::extract::{Path, Query, State as Shared, WebSocketUpgrade};
use axum::http::header::{CACHE_CONTROL, HOST};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use url::Url;

use super::auth::{self, Refusal};
use super::connection::Connection;
use super::origin;
use crate::server::session;
use crate::server::state::State;
use crate::server::store::{DelegatedTo, SecretQuery};
use crate::wire::room::RoomConnection;
use crate::wire::{Identity, PACKET_DATA_BYTES, RoomName, room_url};

/// Largest packet that is read. The library reserves memory for a packet when it sees its length, so
/// this is also the most that a lying client can make us reserve.
const MAX_PACKET_BYTES: usize = 1 << 20;

/// Bytes that one read of a participant's socket may bring.
const READ_BUFFER_BYTES: usize = 16 << 10;

/// Bytes gathered before a write to a participant's socket.
const WRITE_BUFFER_BYTES: usize = 32 << 10;

/// The routes, for one connection.
pub(super) fn router(connection: Connection) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/accounts/projects/{project}/rooms/{room}/connect", post(connect))
        .route("/rooms/{room}", get(join))
        .layer(from_fn_with_state(connection.clone(), origin::guard))
        .with_state(connection)
}

/// Protocol, "Finding a room and joining it", row "connect".
async fn connect(
    Shared(connection): Shared<Connection>,
    Path((project, room)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let state = &connection.state;
    let room = room_name(room)?;
    let token = auth::exchange(state, auth::bearer(&headers, None), &room)?;
    let project_id = state.keys.api_key.project_id().to_string();
    if !project.eq_ignore_ascii_case(&project_id) {
        return Err(Refused(
            StatusCode::NOT_FOUND,
            "there is no such project on this server".to_owned(),
        ));
    }
    let answer = RoomConnection {
        jwt: token.expose().clone(),
        room_url: public_room_url(state, &headers, &room),
        room_name: room.into(),
        project_id,
    };
    Ok((
        [(CACHE_CONTROL, HeaderValue::from_static("no-store"))],
        Json(answer),
    )
        .into_response())
}

#[derive(Deserialize)]
struct JoinQuery {
    token: Option<String>,
}

/// Protocol, "Finding a room and joining it", row "join".
async fn join(
    Shared(connection): Shared<Connection>,
    Path(room): Path<String>,
    Query(query): Query<JoinQuery>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Refused> {
    let state = Arc::clone(&connection.state);
    let room = room_name(room)?;
    let caller = auth::participant(&state, auth::bearer(&headers, query.token).as_ref(), &room)?;
    check_names(&state, &room, &caller.identity).await?;
    let url = public_room_url(&state, &headers, &room);
    let upgrade = upgrade
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_write_buffer_size(
            WRITE_BUFFER_BYTES
                .saturating_add(PACKET_DATA_BYTES)
                .saturating_mul(2),
        )
        .max_message_size(MAX_PACKET_BYTES)
        .max_frame_size(MAX_PACKET_BYTES);
    let guest = state.open.enter();
    Ok(upgrade.on_upgrade(async move |socket| {
        let _place = connection.place;
        session::run(state, guest, socket, session::Entry { room, caller, url }).await;
    }))
}

/// Lets a participant join under names that are seen as they are (`wire::NameError`). Where it has secrets already,
/// the names are of before that rule: they can still be read, listed and deleted.
async fn check_names(state: &State, room: &RoomName, identity: &Identity) -> Result<(), Refused> {
    let of_room = |error| format!("no new room can have this name: {error}");
    let of_identity = |error| format!("no new identity can have this name: {error}");
    let checked = room.check_new().map_err(of_room);
    let Err(reason) = checked.and_then(|()| identity.check_new().map_err(of_identity)) else {
        return Ok(());
    };
    let known = SecretQuery::new(room.clone(), identity.clone(), DelegatedTo::Anyone);
    let found = state.store.find(known).await.map_err(|error| {
        tracing::error!(%error, "the store cannot be read");
        Refused(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the store cannot be read".to_owned(),
        )
    })?;
    if found.secrets.is_empty() && found.damage.is_none() {
        return Err(Refused(StatusCode::FORBIDDEN, reason));
    }
    Ok(())
}

fn room_name(room: String) -> Result<RoomName, Refused> {
    RoomName::new(room).map_err(|error| {
        Refused(
            StatusCode::NOT_FOUND,
            format!("there is no room of that name: {error}"),
        )
    })
}

/// The room's address as this client reaches it: the name it asked us by has been checked.
fn public_room_url(state: &State, headers: &HeaderMap, room: &RoomName) -> Option<String> {
    let base = match &state.config.public_url {
        Some(url) => url.clone(),
        None => Url::parse(&format!("ws://{}/", headers.get(HOST)?.to_str().ok()?)).ok()?,
    };
    Some(room_url(&base, room).into())
}

/// A refusal with its reason, as short text.
struct Refused(StatusCode, String);

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal {
            Refusal::Missing | Refusal::Invalid(_) => StatusCode::UNAUTHORIZED,
            Refusal::WrongRoom(_) => StatusCode::FORBIDDEN,
        };
        Self(status, refusal.to_string())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        tracing::info!(status = self.0.as_u16(), reason = self.1, "refused");
        (self.0, self.1).into_response()
    }
}
