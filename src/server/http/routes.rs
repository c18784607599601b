//! The routes of the server: health, readiness, connect and join.

use axum::body::{Body, to_bytes};
use axum::extract::{Path, State as Shared, WebSocketUpgrade};
use axum::http::header::{CACHE_CONTROL, HOST};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use url::Url;

use super::auth::{JoiningCaller, RoomToken};
use super::connection::{Connection, Transport, track};
use super::origin;
use super::ready::readyz;
use super::refusal::Refusal;
use crate::server::session::{self, Joining};
use crate::server::slots::NoSlot;
use crate::server::state::State;
use crate::server::store::{DelegatedTo, SecretQuery};
use crate::wire::room::RoomConnection;
use crate::wire::{Identity, PACKET_DATA_BYTES, RoomName, room_url};

/// Largest packet that is read. The WebSocket library reserves memory for the length that a packet claims, so
/// this is also the most that one packet can make it reserve.
const MAX_PACKET_BYTES: usize = 64 << 10;

/// Size of the buffer that a participant's socket is read into.
const READ_BUFFER_BYTES: usize = 16 << 10;

/// Bytes that are gathered before a write to a participant's socket.
const WRITE_BUFFER_BYTES: usize = 32 << 10;

/// Most of the body that is read of a request which is refused.
const MAX_REFUSED_BODY_BYTES: usize = 64 << 10;

/// The routes, for one connection.
pub(super) fn router(connection: Connection) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/accounts/projects/{project}/rooms/{room}/connect", post(connect))
        .route("/rooms/{room}", get(join))
        .layer(from_fn_with_state(connection.clone(), origin::guard))
        .layer(from_fn_with_state(connection.clone(), track))
        .with_state(connection)
}

/// The routes for a connection that has no slot among those which are served: the checks of health and readiness, and
/// a refusal of all others.
pub(super) fn refusing_router(connection: Connection, reason: NoSlot) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .fallback(async move |body: Body| {
            // The connection is closed after this. With a part of the request unread, it would be reset, and the
            // client might not see the response.
            let _ = to_bytes(body, MAX_REFUSED_BODY_BYTES).await;
            Refusal::NoSlot(reason)
        })
        .layer(from_fn_with_state(connection.clone(), origin::guard))
        .layer(from_fn_with_state(connection.clone(), track))
        .with_state(connection)
}

#[derive(Deserialize)]
struct ProjectPath {
    project: String,
}

/// Protocol, "Finding a room and joining it", row "connect".
async fn connect(
    Shared(connection): Shared<Connection>,
    RoomToken { room, token }: RoomToken,
    Path(ProjectPath { project }): Path<ProjectPath>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let state = &connection.state;
    let project_id = state.keys.ring().current().project_id().to_string();
    if !project.eq_ignore_ascii_case(&project_id) {
        return Err(Refusal::NoSuchProject);
    }
    let answer = RoomConnection {
        jwt: token.expose().clone(),
        room_url: public_room_url(&connection, &headers, &room),
        room_name: room.into(),
        project_id,
    };
    Ok((
        [(CACHE_CONTROL, HeaderValue::from_static("no-store"))],
        Json(answer),
    )
        .into_response())
}

/// Protocol, "Finding a room and joining it", row "join".
async fn join(
    Shared(connection): Shared<Connection>,
    upgrade: WebSocketUpgrade,
    JoiningCaller {
        room,
        caller,
        accepts,
    }: JoiningCaller,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let room_url = public_room_url(&connection, &headers, &room);
    let Connection {
        state,
        peer,
        slot,
        socket: socket_permit,
        ..
    } = connection;
    let share = state.sessions_by_identity.take(caller.identity.clone());
    let share = share.ok_or_else(|| Refusal::TooManyConnections {
        identity: caller.identity.clone(),
        limit: state.sessions_by_identity.limit(),
    })?;
    check_names(&state, &room, &caller.identity).await?;
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
    let open = state.connections.open();
    let slot = slot.and_then(|slot| slot.hand_over());
    Ok(upgrade.on_upgrade(async move |socket| {
        let _limited = (slot, socket_permit, share);
        let joining = Joining {
            room,
            caller,
            accepts,
            peer,
            room_url,
        };
        session::run(state, open, socket, joining).await;
    }))
}

/// Checks the names of a participant that joins by the rule for new names ([`NameError`](crate::wire::NameError)).
/// Names that break it are older than the rule where the participant has secrets already: it may join, so that
/// those can still be read, listed and deleted.
async fn check_names(state: &State, room: &RoomName, identity: &Identity) -> Result<(), Refusal> {
    let room_checked = room.check_new().map_err(Refusal::NewRoom);
    let checked = room_checked.and_then(|()| identity.check_new().map_err(Refusal::NewIdentity));
    let Err(refusal) = checked else {
        return Ok(());
    };
    let known = SecretQuery {
        limit: Some(1),
        ..SecretQuery::new(room.clone(), identity.clone(), DelegatedTo::Anyone)
    };
    let found = state.store.find(known).await.map_err(|error| {
        tracing::error!(%error, "the store cannot be read");
        Refusal::Store
    })?;
    if found.secrets.is_empty() && found.damage.is_none() {
        return Err(refusal);
    }
    Ok(())
}

/// The room's address as the client reaches it: at the public URL, or else at the host of its request, which
/// [`origin::guard`] has checked. None for a client of a Unix socket, which no `Host` names.
fn public_room_url(connection: &Connection, headers: &HeaderMap, room: &RoomName) -> Option<String> {
    let base = if let Some(url) = &connection.state.config.public_url {
        url.clone()
    } else {
        let scheme = match connection.transport {
            Transport::Tcp { tls: true, .. } => "wss",
            Transport::Tcp { .. } | Transport::InMemory => "ws",
            #[cfg(unix)]
            Transport::Unix => return None,
        };
        let host = headers.get(HOST)?.to_str().ok()?;
        Url::parse(&format!("{scheme}://{host}/")).ok()?
    };
    Some(room_url(&base, room).into())
}
