//! The room on this machine: through the server that runs on the data directory, else through one in this process.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::task::spawn_blocking;
use url::Url;

use crate::cli::args::store_key::warn_of;
use crate::cli::context::Context;
use crate::cli::error::{CommandError, Kind};
use crate::cli::ui::Ui;
use crate::net::{UnixAddress, reason};
use crate::room::RoomClient;
use crate::sensitive::SensitiveText;
use crate::server::data_dir::{API_KEY_VARIABLE, DataDir, LocalAccess};
use crate::server::store::{KeyRingStore as _, KeySource, STORE_FAILED, SqliteStore, Store as _};
use crate::server::{KeyRing, Server, ServerConfig, ServerKeys, local_token};
use crate::token::{ApiKey, TokenError};
use crate::wire::{Identity, RoomName, room_url, websocket_url};

/// The server of local mode, inside this command.
#[derive(Debug)]
pub(super) struct LocalServer {
    server: Server,
    /// Keeps `room serve` from taking the directory meanwhile.
    _data_dir: Arc<DataDir>,
}

impl LocalServer {
    /// Finishes what is in flight and closes the store.
    pub(super) async fn close(self) {
        self.server.close().await;
    }
}

/// Who joins in local mode.
#[derive(Debug, Clone)]
pub(super) struct LocalUser {
    pub(super) identity: Identity,
    pub(super) administrator: bool,
    /// How long the participant token lasts.
    pub(super) token_lifetime: Duration,
}

impl LocalUser {
    /// A participant token for `room`.
    fn token(self, api_key: &ApiKey, room: &RoomName) -> Result<SensitiveText, TokenError> {
        let Self {
            identity,
            administrator,
            token_lifetime,
        } = self;
        local_token(api_key, identity, room.clone(), administrator, token_lifetime)
    }
}

/// Joins through the server that runs on the data directory, else through one in this process.
///
/// A server may stop between the look at its address and the join. As no call has been sent then, the directory is
/// looked at again: the store may be free, or another server may run there. Gives up when the same address fails twice
/// in a row.
pub(super) async fn join_local(
    context: &Context,
    path: &Path,
    (key_source, config): (KeySource, ServerConfig),
    user: LocalUser,
    room: &RoomName,
) -> anyhow::Result<(RoomClient, Option<LocalServer>)> {
    let mut failed = None;
    loop {
        let directory = path.to_owned();
        match spawn_blocking(move || DataDir::open_local(&directory)).await?? {
            LocalAccess::Served(base) => {
                let token = user.clone().token(&served_api_key(path)?, room)?;
                let room_url = match UnixAddress::of(&base) {
                    Some(_) => room_url(&base, room),
                    None => room_url(&websocket_url(base.as_str())?, room),
                };
                match RoomClient::join(&context.http, &room_url, &token).await {
                    Ok(client) => return Ok((client, None)),
                    Err(error) if error.is_retryable() && failed.as_ref() != Some(&base) => {
                        tracing::info!(%error, "the local server may have stopped: looking again");
                        failed = Some(base);
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            LocalAccess::Here(data_dir) => {
                let (client, local) = join_here(data_dir, context, (key_source, config), user, room).await?;
                return Ok((client, Some(local)));
            }
        }
    }
}

/// Joins through a server in this process, on the data directory that this process holds.
async fn join_here(
    data_dir: DataDir,
    context: &Context,
    (key_source, config): (KeySource, ServerConfig),
    user: LocalUser,
    room: &RoomName,
) -> anyhow::Result<(RoomClient, LocalServer)> {
    let data_dir = Arc::new(data_dir);
    warn_of(&key_source, &context.ui);
    let opened = Arc::clone(&data_dir);
    let store = spawn_blocking(move || SqliteStore::open(&opened, &key_source)).await??;
    // The key in the store is for servers that other processes reach.
    let keys = ServerKeys::ephemeral()?;
    let token = user.clone().token(keys.ring().current(), room)?;
    let server = Server::new(config, keys, user.identity, Arc::new(store));
    let stream = Box::new(server.connect_in_memory());
    let room_url = room_url(&Url::parse("ws://localhost/")?, room);
    let client = RoomClient::join_over(stream, &room_url, &token).await?;
    let local = LocalServer {
        server,
        _data_dir: data_dir,
    };
    Ok((client, local))
}

/// An error of the server in this command, whose log is this command's own.
pub(super) fn without_log(error: anyhow::Error) -> anyhow::Error {
    let message = reason(error.as_ref());
    if !message.contains(STORE_FAILED) {
        return error;
    }
    CommandError::new(
        Kind::Failed,
        message.replace(STORE_FAILED, "the store in the data directory failed"),
    )
    .hint("run the command again with -v, which says why; MESHAGENT_DATA_DIR names another data directory")
    .into()
}

/// The API key of the server that runs on the data directory, from its `client.env`.
fn served_api_key(path: &Path) -> anyhow::Result<ApiKey> {
    let variables = DataDir::read_client_env(path)?;
    let found = variables.iter().find(|(name, _)| name == API_KEY_VARIABLE);
    let (_, text) = found.context("client.env has no MESHAGENT_API_KEY")?;
    Ok(ApiKey::parse(text.expose())?)
}

/// The API key of the data directory, from its running server or its store.
pub(in crate::cli) async fn local_api_key(
    path: PathBuf,
    key_source: KeySource,
    ui: &Ui,
) -> anyhow::Result<ApiKey> {
    let directory = path.clone();
    match spawn_blocking(move || DataDir::open_local(&directory)).await?? {
        LocalAccess::Served(_) => served_api_key(&path),
        LocalAccess::Here(data_dir) => {
            warn_of(&key_source, ui);
            let data_dir = Arc::new(data_dir);
            let opened = Arc::clone(&data_dir);
            let store = spawn_blocking(move || SqliteStore::open(&opened, &key_source)).await??;
            let ring = KeyRing::new(store.key_ring().await?)?;
            store.close().await?;
            Ok(ring.current().clone())
        }
    }
}
