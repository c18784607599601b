//! What other participants send to a participant, until it is written to its socket: messages, and calls of the
//! toolkits that it hosts.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};

use crate::server::memory::Reservation;
use crate::server::shares::{Share, Shares};
use crate::wire::{Content, Identity, Message};

/// Most messages and calls that one identity has under way to one participant.
const MAX_OF_ONE_SENDER: usize = 64;

/// Most messages and calls that are under way to one participant.
const MAX_OF_ALL: usize = 1024;

/// Why a message cannot be sent on to a participant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::server) enum RelayError {
    /// The participant has left.
    Left,
    /// It has this many to take from the sender already, which is the limit for one identity.
    TooManyOfSender(usize),
    /// It has this many to take already, which is the limit.
    TooMany(usize),
}

/// The answer of a toolkit's host, with the memory that it takes.
pub(in crate::server) type HostedResponse = (Content, Option<Reservation>);

/// Messages and calls that are under way to one participant.
#[derive(Debug)]
pub(in crate::server) struct Relay {
    /// None once the participant has left.
    queue: Mutex<Option<Queue>>,
    filled: Notify,
    by_sender: Shares<Identity>,
}

#[derive(Debug, Default)]
struct Queue {
    unsent: VecDeque<Relayed>,
    /// The calls that were written, by the id of their message.
    calls: HashMap<u64, Call>,
}

#[derive(Debug)]
struct Relayed {
    message: Message,
    then: Then,
    share: Share<Identity>,
}

/// What is waited for.
#[derive(Debug)]
enum Then {
    /// That the message is written.
    Written(oneshot::Sender<()>),
    /// The answer of the call.
    Answer(oneshot::Sender<HostedResponse>),
}

#[derive(Debug)]
struct Call {
    answer: oneshot::Sender<HostedResponse>,
    _share: Share<Identity>,
}

/// What is left of a message that was written: [`Relay::sent`] takes it.
#[derive(Debug)]
pub(in crate::server) struct Sent(Then, Share<Identity>);

impl Default for Relay {
    fn default() -> Self {
        Self {
            queue: Mutex::new(Some(Queue::default())),
            filled: Notify::new(),
            by_sender: Shares::new(MAX_OF_ONE_SENDER),
        }
    }
}

impl Relay {
    /// Sends a message of `sender`. What is returned completes when it is written, or fails when the participant has
    /// left.
    pub(in crate::server) fn send(
        &self,
        sender: &Identity,
        message: Message,
    ) -> Result<oneshot::Receiver<()>, RelayError> {
        let (written, is_written) = oneshot::channel();
        self.push(sender, message, Then::Written(written))?;
        Ok(is_written)
    }

    /// Puts a call of `sender` to the participant. What is returned is its answer, or fails when the participant has
    /// left; dropping it gives the call up.
    pub(in crate::server) fn call(
        &self,
        sender: &Identity,
        message: Message,
    ) -> Result<oneshot::Receiver<HostedResponse>, RelayError> {
        let (answer, answered) = oneshot::channel();
        self.push(sender, message, Then::Answer(answer))?;
        Ok(answered)
    }

    fn push(&self, sender: &Identity, message: Message, then: Then) -> Result<(), RelayError> {
        let mut queue = self.lock();
        let queue = queue.as_mut().ok_or(RelayError::Left)?;
        queue.forget_given_up();
        if queue.unsent.len().saturating_add(queue.calls.len()) >= MAX_OF_ALL {
            return Err(RelayError::TooMany(MAX_OF_ALL));
        }
        let share = self.by_sender.take(sender.clone());
        let share = share.ok_or(RelayError::TooManyOfSender(self.by_sender.limit()))?;
        queue.unsent.push_back(Relayed { message, then, share });
        self.filled.notify_one();
        Ok(())
    }

    /// Waits for the next message and takes it. Cancel safe: a future that is dropped takes none.
    pub(in crate::server) async fn next(&self) -> (Message, Sent) {
        loop {
            let filled = self.filled.notified();
            if let Some(next) = self.lock().as_mut().and_then(Queue::pop) {
                return next;
            }
            filled.await;
        }
    }

    /// Notes that a message is being written under this id: the answer of a call has the same.
    pub(in crate::server) fn sent(&self, id: u64, then: Sent) {
        match then.0 {
            Then::Written(written) => {
                // The sender may have left.
                let _ = written.send(());
            }
            Then::Answer(answer) => {
                if let Some(queue) = self.lock().as_mut() {
                    let call = Call {
                        answer,
                        _share: then.1,
                    };
                    queue.calls.insert(id, call);
                }
            }
        }
    }

    /// Passes the participant's answer to the call of this message id to its caller. An answer to a call that does not
    /// wait is ignored.
    pub(in crate::server) fn answer(&self, id: u64, response: HostedResponse) {
        let call = self.lock().as_mut().and_then(|queue| queue.calls.remove(&id));
        if let Some(call) = call {
            // The caller may have left.
            let _ = call.answer.send(response);
        }
    }

    /// Whether nothing waits to be written.
    pub(in crate::server) fn is_empty(&self) -> bool {
        self.lock().as_ref().is_none_or(|queue| queue.unsent.is_empty())
    }

    /// Ends all calls, because the participant has left, and refuses new ones.
    pub(super) fn close(&self) {
        self.lock().take();
    }

    fn lock(&self) -> MutexGuard<'_, Option<Queue>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    /// Takes the next message that its sender still wants to be written.
    fn pop(&mut self) -> Option<(Message, Sent)> {
        self.forget_given_up();
        let Relayed { message, then, share } = self.unsent.pop_front()?;
        Some((message, Sent(then, share)))
    }

    /// Removes what its sender no longer waits for.
    fn forget_given_up(&mut self) {
        self.calls.retain(|_, call| !call.answer.is_closed());
        self.unsent.retain(|relayed| match &relayed.then {
            Then::Written(_) => true,
            Then::Answer(answer) => !answer.is_closed(),
        });
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::sensitive::Sensitive;
    use crate::wire::Header;

    fn message() -> Message {
        Message::new(0, "kind", &Header::new(), Sensitive::default()).unwrap()
    }

    fn identity(name: &str) -> Identity {
        Identity::new(name).unwrap()
    }

    /// Writes the next message under this id.
    fn write(relay: &Relay, id: u64) {
        let (_, sent) = relay.next().now_or_never().unwrap();
        relay.sent(id, sent);
    }

    #[test]
    fn a_call_gets_the_answer_of_its_message() {
        let relay = Relay::default();
        let first = relay.call(&identity("ada"), message()).unwrap();
        let second = relay.call(&identity("ada"), message()).unwrap();
        let told = relay.send(&identity("ada"), message()).unwrap();
        for id in [7, 8, 9] {
            write(&relay, id);
        }
        assert!(told.now_or_never().unwrap().is_ok() && relay.is_empty());
        relay.answer(9, (Content::Empty, None));
        relay.answer(8, (Content::Text("second".to_owned()), None));
        let (answer, _) = second.now_or_never().unwrap().unwrap();
        assert!(matches!(answer, Content::Text(text) if text == "second"));
        // It is answered once, and ends with the host.
        relay.answer(8, (Content::Empty, None));
        relay.close();
        assert!(first.now_or_never().unwrap().is_err());
        assert_eq!(
            relay.call(&identity("ada"), message()).unwrap_err(),
            RelayError::Left
        );
    }

    #[test]
    fn one_sender_does_not_keep_others_away_and_what_it_gives_up_does_not_count() {
        let relay = Relay::default();
        let calls: Vec<_> = (0..MAX_OF_ONE_SENDER)
            .map(|_| relay.call(&identity("eve"), message()).unwrap())
            .collect();
        write(&relay, 1);
        let refused = relay.send(&identity("eve"), message()).unwrap_err();
        assert_eq!(refused, RelayError::TooManyOfSender(MAX_OF_ONE_SENDER));
        relay.send(&identity("ada"), message()).unwrap();
        drop(calls);
        relay.send(&identity("eve"), message()).unwrap();
    }
}
