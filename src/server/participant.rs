//! A participant that has joined a room, as the tools that answer its calls see it. `session`
//! creates it, `toolkit` reads it. Above [`State`].

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::audit::actor;
use super::caller::Caller;
use super::config::Limits;
use super::fair_store::FairStore;
use super::memory::MemoryShare;
use super::response_budget::ResponseBudget;
use super::rooms::Member;
use super::state::State;
use super::store::{Actor, Store};
use crate::wire::RoomName;

/// A participant for the length of its session.
#[derive(Debug)]
pub(super) struct Participant {
    pub(super) state: Arc<State>,
    pub(super) room: RoomName,
    pub(super) caller: Caller,
    pub(super) member: Arc<Member>,
    /// What the audit log says of it.
    pub(super) actor: Arc<Actor>,
    /// The store, in whose queues the participant's calls wait for their turn.
    pub(super) store: Arc<dyn Store>,
    /// The memory that its calls may take, together with those of its identity's other sessions.
    pub(super) memory: Arc<MemoryShare>,
    /// Limits the values in responses that wait for the participant's socket.
    pub(super) response_budget: ResponseBudget,
    /// Cancelled when the participant leaves and when the server stops.
    pub(super) disconnected: CancellationToken,
    /// Cancelled when nothing more is written to the participant.
    pub(super) output_closed: CancellationToken,
    /// Limits its calls that wait for another participant.
    waiting_calls: Arc<Semaphore>,
}

impl Participant {
    /// The participant `caller` in `room`, where others know it as `member`. `peer` is at the other end of its connection.
    pub(super) fn new(
        state: Arc<State>,
        room: RoomName,
        caller: Caller,
        member: Arc<Member>,
        peer: Option<&str>,
    ) -> Self {
        let Limits {
            pending_requests,
            value_bytes,
            ..
        } = state.config.limits;
        let lane = Arc::new((room.clone(), caller.identity.clone()));
        let memory = state.memory.share(&lane);
        Self {
            response_budget: ResponseBudget::new(value_bytes, Arc::clone(&memory)),
            memory,
            store: Arc::new(FairStore::new(
                Arc::clone(&state.store),
                state.queues.clone(),
                lane,
            )),
            actor: Arc::new(actor(&caller, &member.id, peer)),
            room,
            caller,
            member,
            disconnected: CancellationToken::new(),
            output_closed: CancellationToken::new(),
            waiting_calls: Arc::new(Semaphore::new(pending_requests.min(Semaphore::MAX_PERMITS))),
            state,
        }
    }

    /// A permit for a call that waits for another participant. None if too many wait already.
    pub(super) fn start_waiting(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.waiting_calls).try_acquire_owned().ok()
    }
}
