//! The messages that are pushed to a participant, until they are written to its socket.

mod backlog;
mod presence_updates;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use self::backlog::Backlog;
pub(super) use self::presence_updates::Change;
use self::presence_updates::PresenceUpdates;
use crate::wire::messaging::ParticipantInfo;
use crate::wire::{Message, ParticipantId, RequestId};

/// The messages that wait to be pushed to a participant. Adding one never waits.
///
/// Its size has a limit, however slowly the participant reads: a message that is out of date before it is
/// written is dropped. It holds at most one message for each other participant of the room, for each request
/// that waits for a reply, and for each request that was withdrawn meanwhile.
#[derive(Debug, Default)]
pub(in crate::server) struct Outbox {
    unsent: Mutex<Unsent>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct Unsent {
    /// Requests and withdrawals, by request.
    requests: Backlog<RequestId, Message>,
    updates: PresenceUpdates,
    /// Whether an update goes first the next time: the two kinds alternate, so that neither starves.
    updates_first: bool,
}

impl Outbox {
    /// Pushes a request.
    pub(in crate::server) fn ask(&self, id: &RequestId, message: Message) {
        self.fill(|unsent| unsent.requests.merge(id.clone(), |_| Some(message)));
    }

    /// Withdraws a request: removes it if it still waits here, and pushes `message` otherwise, if there is one.
    pub(in crate::server) fn withdraw(&self, id: &RequestId, message: Option<Message>) {
        self.fill(|unsent| {
            unsent.requests.merge(id.clone(), |request| match request {
                Some(_) => None,
                None => message,
            });
        });
    }

    /// Tells the participant, whose id is `to`, which others are visible.
    pub(in crate::server) fn list(
        &self,
        to: &ParticipantId,
        visible: impl Iterator<Item = (ParticipantId, Arc<ParticipantInfo>)>,
    ) {
        self.fill(|unsent| unsent.updates.list(to, visible));
    }

    /// Tells the participant what happened to another.
    pub(in crate::server) fn tell(&self, about: &ParticipantId, change: Change) {
        self.fill(|unsent| unsent.updates.tell(about, change));
    }

    /// Waits for the next message and takes it. Cancel safe: a future that is dropped takes none.
    pub(in crate::server) async fn next(&self) -> Message {
        loop {
            let filled = self.filled.notified();
            if let Some(message) = self.lock().pop() {
                return message;
            }
            filled.await;
        }
    }

    /// Whether no message waits.
    pub(in crate::server) fn is_empty(&self) -> bool {
        let unsent = self.lock();
        unsent.requests.is_empty() && unsent.updates.is_empty()
    }

    fn fill(&self, fill: impl FnOnce(&mut Unsent)) {
        fill(&mut self.lock());
        self.filled.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Unsent> {
        self.unsent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Unsent {
    fn pop(&mut self) -> Option<Message> {
        let Self {
            requests, updates, ..
        } = self;
        let mut request = || requests.pop().map(|(_, message)| message);
        let message = if self.updates_first {
            updates.pop().or_else(request)
        } else {
            request().or_else(|| updates.pop())
        };
        self.updates_first ^= message.is_some();
        message
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::sensitive::Sensitive;

    fn id(id: &str) -> RequestId {
        RequestId::new(id).unwrap()
    }

    fn message(kind: &str) -> Message {
        Message::new(0, kind, &crate::wire::Header::new(), Sensitive::default()).unwrap()
    }

    /// The types of all messages that wait.
    fn sent(outbox: &Outbox) -> Vec<String> {
        std::iter::from_fn(|| outbox.next().now_or_never())
            .map(|message| message.kind)
            .collect()
    }

    #[test]
    fn a_request_that_still_waits_is_withdrawn_without_a_message() {
        let outbox = Outbox::default();
        outbox.ask(&id("1"), message("ask 1"));
        outbox.ask(&id("2"), message("ask 2"));
        outbox.withdraw(&id("1"), Some(message("withdraw 1")));
        assert_eq!(sent(&outbox), ["ask 2"]);
        outbox.withdraw(&id("2"), Some(message("withdraw 2")));
        assert!(!outbox.is_empty());
        assert_eq!(sent(&outbox), ["withdraw 2"]);
        assert!(outbox.is_empty());
    }

    #[test]
    fn requests_and_updates_alternate() {
        let outbox = Outbox::default();
        for number in 0..3 {
            outbox.ask(&id(&number.to_string()), message("request"));
            let about = ParticipantId::new(number.to_string()).unwrap();
            outbox.tell(&about, Change::Disappeared);
        }
        let (updates, request) = (crate::wire::messaging::SEND, "request");
        assert_eq!(
            sent(&outbox),
            [request, updates, request, updates, request, updates]
        );
    }

    #[tokio::test]
    async fn next_waits_for_a_message() {
        let outbox = Outbox::default();
        let push = async { outbox.ask(&id("1"), message("ask")) };
        let (next, ()) = tokio::join!(outbox.next(), push);
        assert_eq!(next.kind, "ask");
    }
}
