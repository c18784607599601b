//! A queue that serves identities in turn, and lets small work pass large work.
//!
//! All calls share a number of slots. A call that finds none free waits in the lane of its identity. A slot that
//! becomes free goes to the next lane, not to the call that came first: a single call waits for at most one of
//! another identity's thousand calls.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::wire::{Identity, RoomName};

/// An identity in a room. All its calls wait in the same lane.
pub(super) type Lane = Arc<(RoomName, Identity)>;

/// How much work a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    /// Less than a millisecond.
    Small,
    /// More, such as a list or a large value.
    Large,
}

/// The queue. Clones are the same queue.
#[derive(Debug, Clone)]
pub(super) struct FairQueue(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Calls that run at the same time, at most.
    slots: usize,
    /// Large ones among them, at most. Fewer than all, so that small work finds a slot.
    large_slots: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    small_running: usize,
    large_running: usize,
    small: Lanes,
    large: Lanes,
}

/// The calls of one size that wait for a slot.
#[derive(Debug, Default)]
struct Lanes {
    /// The lanes with waiting calls, each once. The front is the next to be served.
    order: VecDeque<Lane>,
    waiting: HashMap<Lane, VecDeque<oneshot::Sender<Slot>>>,
}

/// How much work waits in a queue, and how much runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct QueueLength {
    pub(super) waiting: usize,
    pub(super) running: usize,
}

/// A slot. Dropping it frees it.
#[derive(Debug)]
pub(super) struct Slot {
    queue: FairQueue,
    size: Size,
}

impl FairQueue {
    /// A queue for `slots` pieces of work at once, of which `large_slots` may be large. Each is at least one, and
    /// there is at least one slot that large work cannot take.
    pub(super) fn new(slots: usize, large_slots: usize) -> Self {
        let large_slots = large_slots.max(1);
        Self(Arc::new(Shared {
            slots: slots.max(large_slots.saturating_add(1)),
            large_slots,
            state: Mutex::default(),
        }))
    }

    /// Waits for a slot. Cancel safe: a future that is dropped gives up its place in the lane.
    pub(super) async fn enter(&self, lane: &Lane, size: Size) -> Slot {
        let (give, slot) = oneshot::channel();
        self.lock().lanes(size).push(lane, give);
        self.give_slots();
        match slot.await {
            Ok(slot) => slot,
            // Does not happen: the queue drops no sender before it has sent a slot.
            Err(_) => self.slot(size),
        }
    }

    /// How many calls wait for a slot, with those that stopped waiting and were not removed yet, and how many have one.
    pub(super) fn length(&self) -> QueueLength {
        let state = self.lock();
        QueueLength {
            waiting: state.small.len() + state.large.len(),
            running: state.small_running + state.large_running,
        }
    }

    /// Gives the free slots to the next calls.
    fn give_slots(&self) {
        loop {
            let mut state = self.lock();
            let Some((size, next)) = self.next(&mut state) else {
                return;
            };
            *state.running(size) += 1;
            drop(state);
            // If the call has stopped waiting, the slot is dropped, which serves the next one.
            drop(next.send(self.slot(size)));
        }
    }

    fn next(&self, state: &mut State) -> Option<(Size, oneshot::Sender<Slot>)> {
        let free = self
            .0
            .slots
            .saturating_sub(state.small_running + state.large_running);
        // The last free slot is kept for large work if none of it runs.
        let kept = usize::from(!state.large.order.is_empty() && state.large_running == 0);
        if free > kept
            && let Some(next) = state.small.pop()
        {
            return Some((Size::Small, next));
        }
        if free > 0
            && state.large_running < self.0.large_slots
            && let Some(next) = state.large.pop()
        {
            return Some((Size::Large, next));
        }
        None
    }

    fn slot(&self, size: Size) -> Slot {
        Slot {
            queue: self.clone(),
            size,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut state = self.queue.lock();
        let in_hand = state.running(self.size);
        *in_hand = in_hand.saturating_sub(1);
        drop(state);
        self.queue.give_slots();
    }
}

impl State {
    const fn lanes(&mut self, size: Size) -> &mut Lanes {
        match size {
            Size::Small => &mut self.small,
            Size::Large => &mut self.large,
        }
    }

    const fn running(&mut self, size: Size) -> &mut usize {
        match size {
            Size::Small => &mut self.small_running,
            Size::Large => &mut self.large_running,
        }
    }
}

impl Lanes {
    fn push(&mut self, lane: &Lane, give: oneshot::Sender<Slot>) {
        let waiting = self.waiting.entry(Arc::clone(lane)).or_insert_with(|| {
            self.order.push_back(Arc::clone(lane));
            VecDeque::new()
        });
        // Calls that have stopped waiting are removed, because a lane may be long.
        while waiting.front().is_some_and(oneshot::Sender::is_closed) {
            waiting.pop_front();
        }
        waiting.push_back(give);
    }

    fn len(&self) -> usize {
        self.waiting.values().map(VecDeque::len).sum()
    }

    /// The next call that still waits, from the front lane, which moves to the end.
    fn pop(&mut self) -> Option<oneshot::Sender<Slot>> {
        while let Some(lane) = self.order.pop_front() {
            let Some(waiting) = self.waiting.get_mut(&lane) else {
                continue;
            };
            let mut next = waiting.pop_front();
            while next.as_ref().is_some_and(oneshot::Sender::is_closed) {
                next = waiting.pop_front();
            }
            if waiting.is_empty() {
                self.waiting.remove(&lane);
            } else {
                self.order.push_back(lane);
            }
            if next.is_some() {
                return next;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use futures_util::FutureExt as _;

    use super::*;

    type Waiting = Pin<Box<dyn Future<Output = Slot> + Send>>;

    fn lane(name: &str) -> Lane {
        Arc::new((RoomName::new("room").unwrap(), Identity::new(name).unwrap()))
    }

    fn enter(queue: &FairQueue, name: &str, size: Size) -> Waiting {
        let (queue, lane) = (queue.clone(), lane(name));
        let mut waiting: Waiting = Box::pin(async move { queue.enter(&lane, size).await });
        // Waits in the queue from here on.
        if let Some(slot) = (&mut waiting).now_or_never() {
            return Box::pin(std::future::ready(slot));
        }
        waiting
    }

    fn has_turn(waiting: &mut Waiting) -> Option<Slot> {
        waiting.now_or_never()
    }

    #[test]
    fn a_slot_goes_to_the_next_identity_and_not_to_the_next_call() {
        let queue = FairQueue::new(2, 1);
        let held: Vec<Slot> = (0..2)
            .filter_map(|_| has_turn(&mut enter(&queue, "mallory", Size::Small)))
            .collect();
        assert_eq!(held.len(), 2);
        let mut hers: Vec<Waiting> = (0..1000).map(|_| enter(&queue, "mallory", Size::Small)).collect();
        let mut his = enter(&queue, "bob", Size::Small);
        assert!(has_turn(&mut his).is_none());
        drop(held);
        // One of hers and his: two slots were free.
        assert!(has_turn(&mut his).is_some());
        let served = hers.iter_mut().filter_map(has_turn).map(drop);
        assert_eq!(served.count(), 1000);
    }

    #[test]
    fn small_work_goes_beside_large_and_large_beside_small() {
        let queue = FairQueue::new(3, 2);
        let mut large: Vec<Waiting> = (0..5).map(|_| enter(&queue, "mallory", Size::Large)).collect();
        let in_hand: Vec<Slot> = large.iter_mut().filter_map(has_turn).collect();
        assert_eq!(in_hand.len(), 2, "one slot is left for small work");
        let small = has_turn(&mut enter(&queue, "bob", Size::Small));
        assert!(small.is_some());
        drop((small, in_hand, large));

        let mut small: Vec<Waiting> = (0..5).map(|_| enter(&queue, "mallory", Size::Small)).collect();
        let mut in_hand: Vec<Slot> = small.iter_mut().filter_map(has_turn).collect();
        assert_eq!(in_hand.len(), 3, "small work takes all while nothing large waits");
        let mut waiting = enter(&queue, "bob", Size::Large);
        drop(in_hand.pop());
        assert!(
            has_turn(&mut waiting).is_some(),
            "the next slot is for the large one"
        );
    }

    #[test]
    fn calls_that_stop_waiting_are_skipped_and_removed() {
        let queue = FairQueue::new(2, 1);
        let held: Vec<Slot> = (0..2)
            .filter_map(|_| has_turn(&mut enter(&queue, "bob", Size::Small)))
            .collect();
        drop(
            (0..1000)
                .map(|_| enter(&queue, "mallory", Size::Small))
                .collect::<Vec<_>>(),
        );
        let mut waiting = enter(&queue, "alice", Size::Small);
        drop(held);
        assert!(has_turn(&mut waiting).is_some());
        let state = queue.lock();
        assert!(state.small.waiting.is_empty() && state.small.order.is_empty());
        assert_eq!((state.small_running, state.large_running), (0, 0));
    }
}
