//! The participant whose calls are answered.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

use super::caller::Caller;
use super::response_budget::ResponseBudget;
use super::rooms::Member;
use super::state::State;
use super::store::Store;
use crate::wire::{Message, RoomName};

/// What a call holds until its answer is written.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// Among the calls that are worked on, or among those that wait for another participant.
    pub(super) turn: Option<OwnedSemaphorePermit>,
    /// In memory, for an answer with a value.
    pub(super) room: Option<OwnedSemaphorePermit>,
}

/// An answer on its way out. The call holds its place until the answer is written.
pub(super) struct Response {
    pub(super) message: Message,
    _place: Place,
}

impl Response {
    pub(super) const fn new(message: Message, place: Place) -> Self {
        Self {
            message,
            _place: place,
        }
    }
}

/// A participant, for the length of a call.
#[derive(Clone)]
pub(super) struct Participant {
    pub(super) state: Arc<State>,
    pub(super) room: RoomName,
    pub(super) caller: Caller,
    pub(super) member: Arc<Member>,
    /// Places for calls that wait for another participant.
    pub(super) waiting: Arc<Semaphore>,
    /// Where its answers go.
    pub(super) answers: mpsc::Sender<Response>,
    /// Room for the values in them.
    pub(super) response_budget: ResponseBudget,
    /// The store, as this identity uses it.
    pub(super) store: Arc<dyn Store>,
    /// Closes when the session ends.
    pub(super) leaving: watch::Receiver<()>,
}

impl Participant {
    /// Lets a call that waits for another participant give up its place among the calls that are worked
    /// on, so that it holds up no other. False if too many wait already.
    pub(super) fn begin_waiting(&self, place: &mut Place) -> bool {
        let waiting = Arc::clone(&self.waiting).try_acquire_owned();
        waiting.map(|waiting| place.turn = Some(waiting)).is_ok()
    }

    /// Waits until the participant leaves, or the server stops.
    pub(super) async fn disconnected(&self) {
        let mut leaving = self.leaving.clone();
        // Nothing is ever sent: the channel closes with the session.
        while leaving.changed().await.is_ok() {}
    }

    /// Waits until nothing is written to the participant any more.
    pub(super) async fn output_closed(&self) {
        self.answers.closed().await;
    }

    /// Takes what the participant says of itself; a message that cannot be read says nothing.
    pub(super) fn set_attributes(&self, message: Message) {
        if let Ok((attributes, _)) = message.read() {
            let rooms = &self.state.rooms;
            rooms.set_attributes(&self.room, &self.member.id, attributes);
        }
    }
}
