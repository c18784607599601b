//! What every connection of a server shares. Below `toolkit`, above `rooms`, `oauth`, `keys` and `audit`.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::audit::AuditLog;
use super::config::ServerConfig;
use super::connections::OpenConnections;
use super::fair_store::StoreQueues;
use super::keys::ServerKeys;
use super::memory::MemoryBudget;
use super::metrics::Metrics;
use super::oauth::Credentials;
use super::rooms::Rooms;
use super::shares::Shares;
use super::shutdown::WorkTracker;
use super::slots::SlotPool;
use super::store::Store;
use crate::wire::Identity;

/// What every connection of a server shares.
#[derive(Debug)]
pub(super) struct State {
    pub(super) config: ServerConfig,
    pub(super) keys: ServerKeys,
    pub(super) audit: AuditLog,
    /// The identity that the API key joins as.
    pub(super) owner: Identity,
    pub(super) rooms: Rooms,
    pub(super) store: Arc<dyn Store>,
    /// The queues of calls that wait for the store.
    pub(super) queues: StoreQueues,
    pub(super) credentials: Arc<Credentials>,
    pub(super) connections: OpenConnections,
    /// Cancelled when the server is told to stop, some time before it refuses anything.
    pub(super) stopping: CancellationToken,
    /// Slots for the connections that are served.
    pub(super) slots: Arc<SlotPool>,
    /// Slots for the connections that are refused, which are answered all the same.
    pub(super) refusal_slots: Arc<SlotPool>,
    /// A permit for each open socket: a connection that was evicted has no slot any more, but its socket until that
    /// is closed.
    pub(super) sockets: Arc<Semaphore>,
    /// How many sessions each identity has, in all rooms.
    pub(super) sessions_by_identity: Shares<Identity>,
    /// The memory for all that is in flight.
    pub(super) memory: MemoryBudget,
    /// Exchanges with providers: what a provider gave must be stored before the server stops.
    pub(super) work: WorkTracker,
    pub(super) metrics: Metrics,
}
