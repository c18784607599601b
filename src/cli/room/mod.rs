//! Joins the room that a command works in: over the network, or on this machine.

pub(in crate::cli) mod account;
pub(in crate::cli) mod participant;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use url::Url;

use self::account::connect_with;
use super::args::room::RoomArgs;
use super::args::store_key::{KeyArgs, warn_of};
use super::args::token_endpoints::TokenEndpointArgs;
use super::context::Context;
use super::error::{CommandError, Kind};
use super::ui::Ui;
use super::ui::text::escape_name;
use crate::room::RoomClient;
use crate::secrets::SecretsClient;
use crate::server::data_dir::{DataDir, LocalAccess};
use crate::server::store::{KeySource, OpeningStore, SqliteStore};
use crate::server::{Server, ServerConfig, ServerKeys, local_token};
use crate::settings::{Access, RoomSettings, resolve};
use crate::token::ApiKey;
use crate::wire::{Identity, RoomName, is_encrypted_or_loopback, room_url, websocket_url};

/// A room that was joined for one command.
#[derive(Debug)]
pub(super) struct JoinedRoom {
    client: RoomClient,
    pub(super) name: RoomName,
    /// Whether it is on this machine.
    pub(super) is_local: bool,
    server: Option<LocalServer>,
}

/// The server of local mode, inside this command.
#[derive(Debug)]
struct LocalServer {
    server: Server,
    /// Keeps `room serve` from taking the directory meanwhile.
    _data_dir: Arc<DataDir>,
}

impl JoinedRoom {
    /// The room's secrets.
    pub(super) const fn secrets(&self) -> SecretsClient<'_> {
        SecretsClient::new(&self.client)
    }

    /// The connection to the room.
    pub(super) const fn client(&self) -> &RoomClient {
        &self.client
    }

    /// Its name, fit for a terminal.
    pub(super) fn shown_name(&self) -> String {
        escape_name(self.name.as_str())
    }

    /// Who the command is in the room, if the server says it.
    pub(super) fn own_name(&self) -> Option<&str> {
        self.client.participant().name()
    }

    pub(super) async fn leave(self) {
        self.client.close().await;
        if let Some(local) = self.server {
            local.server.close().await;
        }
    }
}

/// Finds what is wrong with the settings before anything is asked for. The room that they name.
pub(super) fn check(context: &Context, args: &RoomArgs) -> anyhow::Result<RoomName> {
    Ok(resolve(&args.overrides(), &context.environment)?.room)
}

/// Joins the room, does `work` in it and leaves, all within the command's time. If it takes more than a
/// second, the user sees what is going on.
pub(super) async fn in_room<T>(
    context: &Context,
    args: &RoomArgs,
    work: impl AsyncFnOnce(&JoinedRoom) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let settings = resolve(&args.overrides(), &context.environment)?;
    let name = settings.room.clone();
    let joining = Box::pin(join(context, settings));
    visit(context, &name, args.timeout, joining, work).await
}

/// As [`in_room`], for work with other participants: fails where there can be none. The command's time is
/// for joining; `limit` is the time for all of it.
pub(super) async fn among_others<T>(
    context: &Context,
    args: &RoomArgs,
    limit: Duration,
    work: impl AsyncFnOnce(&JoinedRoom) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let settings = resolve(&args.overrides(), &context.environment)?;
    let name = settings.room.clone();
    let joining = Box::pin(within(args.timeout, join_shared(context, settings)));
    visit(context, &name, limit, joining, work).await
}

async fn visit<T>(
    context: &Context,
    name: &RoomName,
    limit: Duration,
    joining: impl Future<Output = anyhow::Result<JoinedRoom>>,
    work: impl AsyncFnOnce(&JoinedRoom) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let busy = context.ui.busy();
    let shown = escape_name(name.as_str());
    busy.doing(format!("Joining room {shown}"));
    let all = Box::pin(async {
        let room = joining.await?;
        busy.doing(format!("Waiting for room {shown}"));
        let outcome = work(&room).await;
        room.leave().await;
        outcome
    });
    context.ui.while_busy(within(limit, all)).await
}

/// Joins a room in which others can be: in local mode, one of a running server.
pub(super) async fn join_others(context: &Context, args: &RoomArgs) -> anyhow::Result<JoinedRoom> {
    join_shared(context, resolve(&args.overrides(), &context.environment)?).await
}

async fn join_shared(context: &Context, settings: RoomSettings) -> anyhow::Result<JoinedRoom> {
    let room = join(context, settings).await?;
    if room.server.is_none() {
        return Ok(room);
    }
    room.leave().await;
    Err(CommandError::new(
        Kind::Failed,
        "nobody else can be in this room: no server runs on this machine",
    )
    .hint("start one with `meshagent room serve` and leave it running, then try again")
    .into())
}

/// Does `work` within the command's time.
pub(super) async fn within<T>(
    limit: Duration,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    timeout(limit, work).await.map_err(|_| no_answer(limit))?
}

/// As [`within`], for the part of a command that began at `start`.
pub(super) async fn within_rest<T>(
    start: Instant,
    limit: Duration,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    let rest = limit.saturating_sub(start.elapsed());
    timeout(rest, work).await.map_err(|_| no_answer(limit))?
}

/// The command's time is over.
fn no_answer(limit: Duration) -> CommandError {
    let seconds = limit.as_secs();
    CommandError::new(Kind::TimedOut, format!("no answer within {seconds} s"))
        .hint("allow more time with --timeout SECONDS")
}

/// As [`in_room`], without a word to the user and without a limit of its own.
pub(super) async fn visit_quietly<T>(
    context: &Context,
    settings: RoomSettings,
    work: impl AsyncFnOnce(&JoinedRoom) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let room = join(context, settings).await?;
    let outcome = work(&room).await;
    room.leave().await;
    outcome
}

async fn join(context: &Context, settings: RoomSettings) -> anyhow::Result<JoinedRoom> {
    let RoomSettings { room, access, origin } = settings;
    tracing::info!(room = room.as_str(), credential = origin, "joining");
    let is_local = matches!(access, Access::Local { .. });
    let (client, server) = match access {
        Access::Token { room_url, token } => {
            (RoomClient::join(&context.http, &room_url, &token).await?, None)
        }
        Access::Connect {
            connect_url,
            credential,
            room_url,
        } => {
            let connection = connect_with(context, &connect_url, credential).await?;
            let room_url = match connection.room_url {
                Some(url) => checked_room_url(context, &url)?,
                None => room_url,
            };
            (
                RoomClient::join(&context.http, &room_url, &connection.jwt.into()).await?,
                None,
            )
        }
        Access::Local {
            data_dir,
            identity,
            explicit_identity,
        } => {
            let keys = KeyArgs::default().resolve(context)?;
            let config = ServerConfig {
                token_endpoints: TokenEndpointArgs::default().resolve(context)?,
                ..ServerConfig::default()
            };
            let administrator = !explicit_identity;
            join_local(context, &data_dir, (keys, config), identity, administrator, &room).await?
        }
    };
    Ok(JoinedRoom {
        client,
        name: room,
        is_local,
        server,
    })
}

/// The room's address in the answer to the connect call. A token goes in clear to this machine alone.
fn checked_room_url(context: &Context, url: &str) -> anyhow::Result<Url> {
    let url = websocket_url(url).context("the server's answer has no usable room address")?;
    if is_encrypted_or_loopback(&url) || context.environment.switch("MESHAGENT_ALLOW_INSECURE")? {
        return Ok(url);
    }
    Err(
        CommandError::new(Kind::Failed, "the server's room address is not encrypted")
            .hint("set MESHAGENT_ALLOW_INSECURE=1 if the network is trusted")
            .into(),
    )
}

/// Joins through the server that runs on the data directory, else through one in this process.
async fn join_local(
    context: &Context,
    path: &Path,
    (key_source, config): (KeySource, ServerConfig),
    identity: Identity,
    administrator: bool,
    room: &RoomName,
) -> anyhow::Result<(RoomClient, Option<LocalServer>)> {
    let directory = path.to_owned();
    match spawn_blocking(move || DataDir::open_local(&directory)).await?? {
        LocalAccess::Served(base) => {
            let token = local_token(&served_api_key(path)?, identity, room.clone(), administrator)?;
            let room_url = room_url(&websocket_url(base.as_str())?, room);
            Ok((RoomClient::join(&context.http, &room_url, &token).await?, None))
        }
        LocalAccess::Here(data_dir) => {
            let data_dir = Arc::new(data_dir);
            warn_of(&key_source, &context.ui);
            // Opened while the room is joined; the key that the store holds is for others.
            let store = OpeningStore::new(Arc::clone(&data_dir), key_source);
            let keys = ServerKeys::passing()?;
            let token = local_token(&keys.api_key, identity.clone(), room.clone(), administrator)?;
            let server = Server::new(config, keys, identity, Arc::new(store.clone()));
            let stream = Box::new(server.connect_in_memory());
            let room_url = room_url(&Url::parse("ws://localhost/")?, room);
            let client = RoomClient::join_over(stream, &room_url, &token).await?;
            store.opened().await?;
            let local = LocalServer {
                server,
                _data_dir: data_dir,
            };
            Ok((client, Some(local)))
        }
    }
}

/// The API key of the server that runs on the data directory, from its `client.env`.
fn served_api_key(path: &Path) -> anyhow::Result<ApiKey> {
    let variables = DataDir::read_client_env(path)?;
    let found = variables.iter().find(|(name, _)| name == "MESHAGENT_API_KEY");
    let (_, text) = found.context("client.env has no MESHAGENT_API_KEY")?;
    Ok(ApiKey::parse(text.expose())?)
}

/// The API key of the data directory, from its running server or its store.
pub(super) fn local_api_key(path: &Path, key_source: &KeySource, ui: &Ui) -> anyhow::Result<ApiKey> {
    match DataDir::open_local(path)? {
        LocalAccess::Served(_) => served_api_key(path),
        LocalAccess::Here(data_dir) => {
            warn_of(key_source, ui);
            Ok(ServerKeys::load(&SqliteStore::open(&data_dir, key_source)?)?.api_key)
        }
    }
}
