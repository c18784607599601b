//! What the room pushes: messages that are not responses to calls.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::RoomError;
use super::calls::Calls;
use crate::wire::Message;

/// Most messages that wait in the queue of one subscription.
const MAX_QUEUED: usize = 4096;

/// A queue of the messages that the room pushes, from the moment the subscription was made.
///
/// Read the messages as they come. The connection ends when 4,096 of them wait, because no pushed message
/// may be lost unnoticed.
#[derive(Debug)]
pub struct Subscription {
    messages: mpsc::Receiver<Message>,
    calls: Arc<Calls>,
}

impl Subscription {
    /// Waits for the next message. Cancel safe: when the future is dropped, no message is lost.
    ///
    /// # Errors
    /// Why the connection ended, after all messages that came before the end.
    pub async fn next(&mut self) -> Result<Message, RoomError> {
        self.messages.recv().await.ok_or_else(|| self.calls.end_reason())
    }
}

/// The subscriptions of one connection.
#[derive(Debug)]
pub(super) struct Subscribers {
    /// None once the connection has ended.
    queues: Mutex<Option<Vec<mpsc::Sender<Message>>>>,
}

impl Subscribers {
    pub(super) fn new() -> Self {
        Self {
            queues: Mutex::new(Some(Vec::new())),
        }
    }

    /// Makes a subscription. If the connection has ended, the subscription is empty and yields the reason.
    pub(super) fn subscribe(&self, calls: &Arc<Calls>) -> Subscription {
        let (queue, messages) = mpsc::channel(MAX_QUEUED);
        if let Some(queues) = self.lock().as_mut() {
            queues.push(queue);
        }
        Subscription {
            messages,
            calls: Arc::clone(calls),
        }
    }

    /// Puts a message into every queue.
    ///
    /// # Errors
    /// [`RoomError::Closed`] if a queue is full.
    pub(super) fn push(&self, message: &Message) -> Result<(), RoomError> {
        let mut queues = self.lock();
        let Some(queues) = queues.as_mut() else {
            return Ok(());
        };
        let mut is_full = false;
        queues.retain(|queue| match queue.try_send(message.clone()) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                is_full = true;
                true
            }
            Err(TrySendError::Closed(_)) => false,
        });
        if is_full {
            return Err(RoomError::Closed(
                "by this side, which did not read what the room pushed".to_owned(),
            ));
        }
        Ok(())
    }

    /// Ends every subscription after the messages that are in its queue.
    pub(super) fn end(&self) {
        self.lock().take();
    }

    fn lock(&self) -> MutexGuard<'_, Option<Vec<mpsc::Sender<Message>>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sensitive::Sensitive;

    fn message(id: u64) -> Message {
        Message::new(id, "kind", &crate::wire::Header::new(), Sensitive::default()).unwrap()
    }

    #[tokio::test]
    async fn every_subscription_gets_each_message_and_the_end() {
        let (subscribers, calls) = (Subscribers::new(), Arc::new(Calls::default()));
        let mut first = subscribers.subscribe(&calls);
        subscribers.push(&message(1)).unwrap();
        let mut second = subscribers.subscribe(&calls);
        subscribers.push(&message(2)).unwrap();
        calls.end(&RoomError::Busy("later".to_owned()));
        subscribers.end();
        assert_eq!(first.next().await.unwrap().id, 1);
        assert_eq!(first.next().await.unwrap().id, 2);
        assert_eq!(second.next().await.unwrap().id, 2);
        let mut late = subscribers.subscribe(&calls);
        for ended in [first.next().await, second.next().await, late.next().await] {
            assert_eq!(ended.unwrap_err(), RoomError::Busy("later".to_owned()));
        }
    }

    #[test]
    fn an_unread_subscription_ends_the_connection_and_a_dropped_one_does_not() {
        let (subscribers, calls) = (Subscribers::new(), Arc::new(Calls::default()));
        drop(subscribers.subscribe(&calls));
        subscribers.push(&message(0)).unwrap();
        let _unread = subscribers.subscribe(&calls);
        for id in 0..MAX_QUEUED {
            subscribers.push(&message(id as u64)).unwrap();
        }
        assert!(matches!(subscribers.push(&message(0)), Err(RoomError::Closed(_))));
    }
}
