//! The room server: the same one for `meshagent room serve` and inside a command in local mode.
//!
//! From the outside in: [`listen`] accepts connections and limits them; [`http`] answers requests and
//! hands a joining participant to [`session`]; a session reads calls, which [`toolkit`] answers from
//! the [`store`]. [`rooms`] knows who is where; an [`outbox`] is where others push a participant messages,
//! and [`pending`] what it was asked. [`oauth`] calls providers for tokens. [`credential`] decides who
//! somebody is, [`origin`] which web pages and names may ask at all.
//!
//! It shares `wire`, `token`, `net` and `oauth` with the client and nothing else: they meet on the wire.

mod clock;
mod config;
mod credential;
pub mod data_dir;
mod holds;
mod http;
mod keys;
mod listen;
pub mod oauth;
mod origin;
mod outbox;
mod pending;
mod private;
mod rooms;
mod session;
pub mod store;
mod toolkit;

use std::sync::Arc;
use std::time::Duration;

use tokio::io::DuplexStream;
use tokio::net::TcpListener;
use url::Url;

pub use self::config::{Limits, ServerConfig};
use self::holds::Holds;
pub use self::keys::{ServerKeys, local_token};
use self::oauth::{Credentials, TokenEndpoints};
use self::rooms::Rooms;
use self::store::Store;
use crate::wire::Identity;

/// Bytes that the in-memory stream of local mode holds in each direction.
const LOCAL_STREAM_BYTES: usize = 256 << 10;

/// How many times a token endpoint may be asked for one token: with the client secret that is stored, and
/// with another.
const TOKEN_ATTEMPTS: u32 = 2;

/// How long it may take to store what a token endpoint gave.
const STORING_TIME: Duration = Duration::from_secs(5);

/// A room server. Cheap to clone: all clones are the same server.
#[derive(Debug, Clone)]
pub struct Server {
    state: Arc<State>,
}

/// What every connection of a server shares.
#[derive(Debug)]
struct State {
    config: ServerConfig,
    keys: ServerKeys,
    /// Who the API key joins as.
    owner: Identity,
    rooms: Rooms,
    store: Arc<dyn Store>,
    credentials: Arc<Credentials>,
    open: listen::OpenConnections,
    /// What a provider may have given and is not stored yet.
    holds: Holds,
}

impl Server {
    /// A server over `store`, whose API key joins as `owner`.
    pub fn new(config: ServerConfig, keys: ServerKeys, owner: Identity, store: Arc<dyn Store>) -> Self {
        let endpoints = TokenEndpoints::new(config.token_endpoints, config.limits.token_endpoint_time);
        let credentials = Arc::new(Credentials::new(Arc::clone(&store), endpoints));
        let open = listen::OpenConnections::new(config.limits.connections);
        Self {
            state: Arc::new(State {
                config,
                keys,
                owner,
                rooms: Rooms::default(),
                store,
                credentials,
                open,
                holds: Holds::default(),
            }),
        }
    }

    /// Serves connections of `listener` until `shutdown` is done; then participants are told, what is
    /// in flight is finished (5 s at most; longer where a provider is asked for a token, which may
    /// replace a stored one), and the store is closed.
    pub async fn run(&self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        listen::accept(&self.state, listener, shutdown).await;
        self.close().await;
    }

    /// A connection to this server inside the process, and the address to use on it.
    pub fn connect_in_memory(&self) -> DuplexStream {
        let (client, server) = tokio::io::duplex(LOCAL_STREAM_BYTES);
        listen::serve_in_memory(&self.state, server);
        client
    }

    /// Ends all connections, finishes what is in flight and closes the store.
    pub async fn close(&self) {
        self.state.open.end().await;
        let endpoint_time = self.state.config.limits.token_endpoint_time;
        let time = endpoint_time
            .saturating_mul(TOKEN_ATTEMPTS)
            .saturating_add(STORING_TIME);
        if !self.state.holds.released(time).await {
            tracing::warn!("stopped though a token endpoint was still being asked");
        }
        if let Err(error) = self.state.store.close().await {
            tracing::error!(%error, "the store could not be closed cleanly");
        }
    }
}

/// The address of a room on this server, as seen from `base`.
fn room_url(base: &Url, room: &crate::wire::RoomName) -> Option<Url> {
    let mut url = base.clone();
    url.path_segments_mut()
        .ok()?
        .pop_if_empty()
        .push("rooms")
        .push(room.as_str());
    Some(url)
}
