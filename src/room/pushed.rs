//! What the room pushes: messages that are no answers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::RoomError;
use super::session::Calls;
use crate::wire::Message;

/// Messages that may wait to be read by whoever subscribed.
const MAX_QUEUED: usize = 4096;

/// The messages that the room pushes, from when this was made.
///
/// Read them as they come: the connection ends when several thousand wait, for nothing that was pushed
/// may be lost unnoticed.
#[derive(Debug)]
pub struct Pushed {
    messages: mpsc::Receiver<Message>,
    calls: Arc<Calls>,
}

impl Pushed {
    /// The next message. A call that is not awaited to its end loses none.
    ///
    /// # Errors
    /// Why the connection ended, once every message that came before has been read.
    pub async fn next(&mut self) -> Result<Message, RoomError> {
        self.messages.recv().await.ok_or_else(|| self.calls.ended())
    }
}

/// Those who hear what is pushed.
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

    /// One more. Of a connection that has ended it hears that.
    pub(super) fn subscribe(&self, calls: &Arc<Calls>) -> Pushed {
        let (queue, messages) = mpsc::channel(MAX_QUEUED);
        if let Some(queues) = self.lock().as_mut() {
            queues.push(queue);
        }
        Pushed {
            messages,
            calls: Arc::clone(calls),
        }
    }

    /// Hands a message to everybody.
    ///
    /// # Errors
    /// Somebody does not read.
    pub(super) fn push(&self, message: &Message) -> Result<(), RoomError> {
        let mut queues = self.lock();
        let Some(queues) = queues.as_mut() else {
            return Ok(());
        };
        let mut unread = false;
        queues.retain(|queue| match queue.try_send(message.clone()) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                unread = true;
                true
            }
            Err(TrySendError::Closed(_)) => false,
        });
        if unread {
            return Err(RoomError::Closed(
                "by this side, which did not read what the room pushed".to_owned(),
            ));
        }
        Ok(())
    }

    /// The connection has ended.
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
    async fn everybody_hears_everything_and_how_it_ended() {
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
    fn who_does_not_read_ends_the_connection_and_who_went_away_does_not() {
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
