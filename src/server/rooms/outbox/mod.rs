//! What is pushed to a participant, on its way to the participant's socket.

mod backlog;
mod presence_updates;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use self::backlog::Backlog;
pub(super) use self::presence_updates::Change;
use self::presence_updates::PresenceUpdates;
use crate::wire::messaging::ParticipantInfo;
use crate::wire::{Message, ParticipantId, RequestId};

/// Where a participant is pushed messages. Whoever pushes never waits.
///
/// Nobody can fill it, however slowly the participant takes what is pushed to it: what is out of date
/// before it went out is dropped. So it holds at most one message for each participant of the room and for
/// each request that waits for an answer, and for each request that was taken back while it did.
#[derive(Debug, Default)]
pub(in crate::server) struct Outbox {
    unsent: Mutex<Unsent>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct Unsent {
    /// Requests, and that they are taken back.
    requests: Backlog<RequestId, Message>,
    updates: PresenceUpdates,
    /// The other kind goes first the next time, so that none keeps the other from going out.
    updates_first: bool,
}

impl Outbox {
    /// Asks the participant.
    pub(in crate::server) fn ask(&self, id: &RequestId, message: Message) {
        self.fill(|unsent| unsent.requests.merge(id.clone(), |_| Some(message)));
    }

    /// Takes a request back, by `message` if it has gone out.
    pub(in crate::server) fn withdraw(&self, id: &RequestId, message: Message) {
        self.fill(|unsent| {
            unsent.requests.merge(id.clone(), |request| match request {
                Some(_) => None,
                None => Some(message),
            });
        });
    }

    /// Tells the participant, which is `to`, who else can be seen.
    pub(in crate::server) fn list(
        &self,
        to: &ParticipantId,
        everybody: impl Iterator<Item = (ParticipantId, Arc<ParticipantInfo>)>,
    ) {
        self.fill(|unsent| unsent.updates.list(to, everybody));
    }

    /// Tells the participant what happened to another.
    pub(in crate::server) fn tell(&self, about: &ParticipantId, change: Change) {
        self.fill(|unsent| unsent.updates.tell(about, change));
    }

    /// The next message. A call that is not awaited to its end takes none.
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

    /// The types of all that goes out now.
    fn sent(outbox: &Outbox) -> Vec<String> {
        std::iter::from_fn(|| outbox.next().now_or_never())
            .map(|message| message.kind)
            .collect()
    }

    #[test]
    fn what_was_not_asked_yet_need_not_be_taken_back() {
        let outbox = Outbox::default();
        outbox.ask(&id("1"), message("ask 1"));
        outbox.ask(&id("2"), message("ask 2"));
        outbox.withdraw(&id("1"), message("withdraw 1"));
        assert_eq!(sent(&outbox), ["ask 2"]);
        outbox.withdraw(&id("2"), message("withdraw 2"));
        assert!(!outbox.is_empty());
        assert_eq!(sent(&outbox), ["withdraw 2"]);
        assert!(outbox.is_empty());
    }

    #[test]
    fn neither_kind_keeps_the_other_from_going_out() {
        let outbox = Outbox::default();
        for number in 0..3 {
            outbox.ask(&id(&number.to_string()), message("request"));
            let about = ParticipantId::new(number.to_string()).unwrap();
            outbox.tell(&about, Change::Left);
        }
        let (updates, request) = (crate::wire::messaging::SEND, "request");
        assert_eq!(
            sent(&outbox),
            [request, updates, request, updates, request, updates]
        );
    }

    #[tokio::test]
    async fn who_waits_hears_of_what_is_pushed() {
        let outbox = Outbox::default();
        let push = async { outbox.ask(&id("1"), message("ask")) };
        let (heard, ()) = tokio::join!(outbox.next(), push);
        assert_eq!(heard.kind, "ask");
    }
}
