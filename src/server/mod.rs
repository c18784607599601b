//! The room server, for `meshagent room serve` and for a command in local mode.
//!
//! From the outside in: [`http`] accepts connections, checks credentials, and hands a joining participant to a
//! [`session`]; the session reads calls, which the [`toolkit`] answers with what [`state`] holds: [`rooms`] (the
//! participants, what is pushed to them and the requests to them), [`oauth`] (tokens of providers), [`keys`] (the
//! server's API keys), the [`audit`] log and the [`store`], whose files are in a [`data_dir`]. Beside them [`backup`]
//! copies a store to a file, and back. Each of these layers imports only those after it; [`config`], [`caller`],
//! [`metrics`], [`shares`], [`log_interval`] and [`shutdown`] serve all of them and import none.
//!
//! The server shares `wire`, `token`, `oauth`, `net`, `fs` and `sensitive` with the client and nothing else: client
//! and server meet on the wire.

mod audit;
pub mod backup;
mod caller;
mod config;
mod connections;
pub mod data_dir;
mod fair_queue;
mod fair_store;
mod http;
mod keys;
mod listener;
mod log_interval;
mod memory;
mod metrics;
pub mod oauth;
mod participant;
mod response_budget;
mod rooms;
mod scrape;
mod session;
mod shares;
mod shutdown;
mod slots;
mod state;
pub mod store;
mod tls;
mod toolkit;

use std::sync::Arc;
use std::time::Duration;

use tokio::io::DuplexStream;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use self::audit::AuditLog;
pub use self::caller::TokenOrigin;
pub use self::config::{Limits, ServerConfig};
use self::connections::OpenConnections;
use self::fair_store::StoreQueues;
pub use self::http::NotReady;
use self::http::{accept, check_store, serve_in_memory, serve_metrics};
pub use self::keys::{KeyRing, ServerKeys, local_token};
use self::listener::Listeners;
pub use self::listener::{ListenAddress, ListenAddressError, Listener};
use self::memory::MemoryBudget;
use self::metrics::Metrics;
use self::oauth::{Credentials, TokenEndpoints};
use self::rooms::Rooms;
use self::scrape::MetricsRegistry;
use self::shares::Shares;
use self::shutdown::WorkTracker;
use self::slots::SlotPool;
use self::state::State;
use self::store::{AuditStore, Store};
pub use self::tls::{Tls, TlsError, TlsFiles};
use crate::wire::Identity;

/// Size of the in-memory stream of local mode, in each direction.
const LOCAL_STREAM_BYTES: usize = 256 << 10;

/// File descriptors that a server may need besides one for each connection: for refused connections, scrapes of metrics,
/// the store, the runtime and calls to token endpoints.
pub const RESERVED_DESCRIPTORS: usize = 64 + REFUSED_CONNECTIONS + CLOSING_CONNECTIONS;

/// Connections beyond the limit that are open at the same time in order to be refused.
const REFUSED_CONNECTIONS: usize = 32;

/// Connections that are being closed, to make room, at the same time.
const CLOSING_CONNECTIONS: usize = 32;

/// How often a token endpoint may be called for one token: with the stored client secret, and with another.
const TOKEN_ATTEMPTS: u32 = 2;

/// How long it may take to store the tokens that an endpoint gave.
const STORING_TIME: Duration = Duration::from_secs(5);

/// A room server. Cheap to clone: all clones are the same server.
#[derive(Debug, Clone)]
pub struct Server {
    state: Arc<State>,
}

impl Server {
    /// A server over `store`, whose API keys join as `owner`.
    pub fn new<S: Store + AuditStore + 'static>(
        config: ServerConfig,
        keys: ServerKeys,
        owner: Identity,
        store: Arc<S>,
    ) -> Self {
        let audit = AuditLog::new(Arc::<S>::clone(&store), config.audit_keep);
        let store: Arc<dyn Store> = store;
        let endpoints = TokenEndpoints::new(config.token_endpoints, config.limits.token_endpoint_time);
        let credentials = Arc::new(Credentials::new(Arc::clone(&store), endpoints));
        let limits = &config.limits;
        let slots = SlotPool::new(limits.connections, limits.connections_per_address);
        let refusal_slots = SlotPool::new(REFUSED_CONNECTIONS, REFUSED_CONNECTIONS);
        let sockets = limits
            .connections
            .saturating_add(REFUSED_CONNECTIONS + CLOSING_CONNECTIONS);
        let sessions_by_identity = Shares::new(limits.connections_per_identity);
        let memory = memory_budget(&config.limits);
        Self {
            state: Arc::new(State {
                config,
                keys,
                audit,
                owner,
                queues: StoreQueues::new(store.readers()),
                rooms: Rooms::default(),
                store,
                credentials,
                connections: OpenConnections::default(),
                stopping: CancellationToken::new(),
                slots: Arc::new(slots),
                refusal_slots: Arc::new(refusal_slots),
                sockets: Arc::new(Semaphore::new(sockets.min(Semaphore::MAX_PERMITS))),
                sessions_by_identity,
                memory,
                work: WorkTracker::default(),
                metrics: Metrics::default(),
            }),
        }
    }

    /// Makes `/readyz` say that the server is stopping, so that load balancers send clients elsewhere. Everything is
    /// served as before until [`Server::run`]'s `shutdown` completes, or [`Server::close`] is called.
    pub fn announce_stop(&self) {
        self.state.stopping.cancel();
    }

    /// Serves connections of these listeners until `shutdown` completes, and then closes the server as
    /// [`Server::close`] does.
    pub async fn run(
        &self,
        listeners: impl IntoIterator<Item = Listener>,
        shutdown: impl Future<Output = ()>,
    ) {
        let listeners = Listeners::new(listeners);
        let stop = CancellationToken::new();
        let following = self.state.keys.follow(stop.clone());
        let following_tls = follow_tls(listeners.tls(), stop.clone());
        let accepting = async {
            let _stopped = stop.drop_guard_ref();
            let shutdown = async {
                shutdown.await;
                self.announce_stop();
            };
            accept(&self.state, listeners, shutdown).await;
        };
        let recording = self.state.audit.run(stop.clone());
        // A look at the store that has begun is finished before the store is closed.
        tokio::join!(accepting, following, following_tls, recording);
        self.finish_calls().await;
        self.state.audit.finish().await;
        self.close_store().await;
    }

    /// Whether the store answers a read within a second, also while the server stops.
    ///
    /// # Errors
    /// Why it does not: [`NotReady::StoreSilent`] or [`NotReady::StoreFailed`].
    pub async fn check_store(&self) -> Result<(), NotReady> {
        check_store(&self.state).await
    }

    /// Answers `GET /metrics` on connections of `listener` with the server's metrics, until the server is closed.
    /// `dropped_log_lines` says how many lines of the log were dropped so far.
    pub async fn serve_metrics(&self, listener: TcpListener, dropped_log_lines: fn() -> u64) {
        let registry = MetricsRegistry::new(&self.state, dropped_log_lines);
        serve_metrics(&self.state, listener, registry).await;
    }

    /// A connection to this server inside the process.
    pub fn connect_in_memory(&self) -> DuplexStream {
        let (client, server) = tokio::io::duplex(LOCAL_STREAM_BYTES);
        serve_in_memory(&self.state, server);
        client
    }

    /// Ends all connections, finishes the calls in flight and closes the store. Calls have 5 s; a call to a token
    /// endpoint may take longer, because its tokens may replace stored ones.
    pub async fn close(&self) {
        self.finish_calls().await;
        self.close_store().await;
    }

    async fn finish_calls(&self) {
        self.state.connections.finish().await;
        let endpoint_time = self.state.config.limits.token_endpoint_time;
        let time = endpoint_time
            .saturating_mul(TOKEN_ATTEMPTS)
            .saturating_add(STORING_TIME);
        if !self.state.work.finish(time).await {
            tracing::warn!("stopped though a token endpoint was still being asked");
        }
    }

    async fn close_store(&self) {
        if let Err(error) = self.state.store.close().await {
            tracing::error!(%error, "the store could not be closed cleanly");
        }
    }
}

/// Reads the certificate again when it changes, until `stop` is cancelled.
async fn follow_tls(tls: Option<Arc<Tls>>, stop: CancellationToken) {
    if let Some(tls) = tls {
        tls.follow(stop).await;
    }
}

fn memory_budget(limits: &Limits) -> MemoryBudget {
    // The socket is not read while a call waits: its participant must not count as silent.
    let wait = limits.memory_wait.min(limits.idle_timeout / 2);
    MemoryBudget::new(limits.memory_bytes, limits.value_bytes, wait)
}
