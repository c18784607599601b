//! What is pushed to a participant, on its way to the participant's socket.

use std::sync::{Mutex, PoisonError};

use tokio::sync::mpsc;

use crate::wire::Message;

/// Where a participant is pushed messages. Whoever pushes never waits: a participant that does not take
/// what is pushed to it is dropped, as any slow reader is.
#[derive(Debug)]
pub(super) struct Outbox {
    queue: Mutex<Option<mpsc::Sender<Message>>>,
}

impl Outbox {
    /// An outbox for `capacity` messages, and the end that its messages come out of. That end closes
    /// when the outbox is dropped, and when a message found no place in it.
    pub(super) fn new(capacity: usize) -> (Self, mpsc::Receiver<Message>) {
        let (queue, messages) = mpsc::channel(capacity.clamp(1, mpsc_limit()));
        let queue = Mutex::new(Some(queue));
        (Self { queue }, messages)
    }

    /// Queues a message; false if the participant is not there any more, or is dropped for this.
    pub(super) fn push(&self, message: Message) -> bool {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let pushed = queue
            .as_ref()
            .is_some_and(|queue| queue.try_send(message).is_ok());
        if !pushed {
            *queue = None;
        }
        pushed
    }
}

/// More than that a channel does not take.
const fn mpsc_limit() -> usize {
    tokio::sync::Semaphore::MAX_PERMITS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sensitive::Sensitive;

    fn message(id: u64) -> Message {
        Message::new(id, "kind", &crate::wire::Header::new(), Sensitive::default()).unwrap()
    }

    #[tokio::test]
    async fn who_does_not_take_what_is_pushed_is_dropped() {
        let (outbox, mut messages) = Outbox::new(2);
        assert!(outbox.push(message(1)) && outbox.push(message(2)));
        assert!(!outbox.push(message(3)));
        // Not even when there is room again: it has missed something.
        assert_eq!(messages.recv().await.map(|message| message.id), Some(1));
        assert!(!outbox.push(message(4)));
        assert_eq!(messages.recv().await.map(|message| message.id), Some(2));
        assert!(messages.recv().await.is_none());
    }
}
