//! What other participants send to a participant, until it is written to its socket: messages, calls of the toolkits
//! that it hosts, and the chunks of streams that answer its own calls.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};

use super::stream::{self, StreamCall};
use crate::sensitive::SecretValue;
use crate::server::memory::Reservation;
use crate::server::shares::{Share, Shares};
use crate::wire::toolkits::StreamChunk;
use crate::wire::{Content, Identity, Message};

/// Most messages and calls that one identity has under way to one participant.
const MAX_OF_ONE_SENDER: usize = 64;

/// Most chunks of streams that one identity has under way to one participant. A host does not wait until its chunks are
/// written.
const MAX_CHUNKS_OF_ONE_SENDER: usize = 1024;

/// Most messages, calls and chunks that are under way to one participant.
const MAX_OF_ALL: usize = 4096;

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

/// Messages, calls and chunks that are under way to one participant.
#[derive(Debug)]
pub(in crate::server) struct Relay {
    /// None once the participant has left.
    queue: Mutex<Option<Queue>>,
    filled: Notify,
    by_sender: Shares<Identity>,
    chunks_by_sender: Shares<Identity>,
}

#[derive(Debug, Default)]
struct Queue {
    unsent: VecDeque<Relayed>,
    /// The calls that were written, by the id of their message.
    calls: HashMap<u64, Call>,
    /// The streams that answer calls, by the `tool_call_id` that the host knows.
    streams: HashMap<String, Stream>,
}

#[derive(Debug)]
struct Relayed {
    message: Message,
    then: Then,
    holds: Holds,
}

/// What a message takes until it is written.
#[derive(Debug, Default)]
struct Holds {
    /// None for the end of a stream.
    share: Option<Share<Identity>>,
    /// None if the sender holds the memory.
    _memory: Option<Reservation>,
}

/// What is waited for.
#[derive(Debug)]
enum Then {
    /// Nothing.
    Nothing,
    /// That the message is written.
    Written(oneshot::Sender<()>),
    /// The answer of the call.
    Answer(oneshot::Sender<HostedResponse>, StreamCall),
}

#[derive(Debug)]
struct Call {
    answer: oneshot::Sender<HostedResponse>,
    stream: StreamCall,
    holds: Holds,
}

#[derive(Debug)]
struct Stream {
    call: StreamCall,
    _holds: Holds,
}

/// What is left of a message that was written: [`Relay::sent`] takes it.
#[derive(Debug)]
pub(in crate::server) struct Sent(Then, Holds);

impl Default for Relay {
    fn default() -> Self {
        Self {
            queue: Mutex::new(Some(Queue::default())),
            filled: Notify::new(),
            by_sender: Shares::new(MAX_OF_ONE_SENDER),
            chunks_by_sender: Shares::new(MAX_CHUNKS_OF_ONE_SENDER),
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
        self.push_for(sender, message, Then::Written(written))?;
        Ok(is_written)
    }

    /// Puts a call of `sender` to the participant. What is returned is its answer, or fails when the participant has
    /// left; dropping it gives the call up. `stream` is for an answer that is a stream.
    pub(in crate::server) fn call(
        &self,
        sender: &Identity,
        message: Message,
        stream: StreamCall,
    ) -> Result<oneshot::Receiver<HostedResponse>, RelayError> {
        let (answer, answered) = oneshot::channel();
        self.push_for(sender, message, Then::Answer(answer, stream))?;
        Ok(answered)
    }

    fn push_for(&self, sender: &Identity, message: Message, then: Then) -> Result<(), RelayError> {
        if let Some(queue) = self.lock().as_mut() {
            queue.forget_given_up();
        }
        let holds = Holds {
            share: Some(take_share(&self.by_sender, sender)?),
            _memory: None,
        };
        self.push(message, then, holds)
    }

    /// Sends a chunk of a stream of `host`.
    pub(super) fn send_chunk(
        &self,
        host: &Identity,
        message: Message,
        memory: Option<Reservation>,
    ) -> Result<(), RelayError> {
        let holds = Holds {
            share: Some(take_share(&self.chunks_by_sender, host)?),
            _memory: memory,
        };
        self.push(message, Then::Nothing, holds)
    }

    /// Sends the end of a stream. It has no limit of its own: each call has at most one.
    pub(super) fn send_end(&self, message: Message) {
        // The participant may have left.
        let _ = self.push(message, Then::Nothing, Holds::default());
    }

    fn push(&self, message: Message, then: Then, holds: Holds) -> Result<(), RelayError> {
        let mut queue = self.lock();
        let queue = queue.as_mut().ok_or(RelayError::Left)?;
        let under_way = queue.unsent.len().saturating_add(queue.calls.len());
        if under_way >= MAX_OF_ALL && holds.share.is_some() {
            return Err(RelayError::TooMany(MAX_OF_ALL));
        }
        queue.unsent.push_back(Relayed { message, then, holds });
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
    pub(in crate::server) fn sent(&self, id: u64, Sent(then, holds): Sent) {
        match then {
            Then::Nothing => {}
            Then::Written(written) => {
                // The sender may have left.
                let _ = written.send(());
            }
            Then::Answer(answer, stream) => {
                if let Some(queue) = self.lock().as_mut() {
                    let call = Call {
                        answer,
                        stream,
                        holds,
                    };
                    queue.calls.insert(id, call);
                }
            }
        }
    }

    /// Passes the participant's answer to the call of this message id to its caller. An answer to a call that does not
    /// wait is ignored. After the answer `control` `open`, [`Relay::chunk`] passes on the stream.
    pub(in crate::server) fn answer(&self, id: u64, response: HostedResponse) {
        let mut queue = self.lock();
        let Some(queue) = queue.as_mut() else { return };
        let Some(Call {
            answer,
            stream,
            holds,
        }) = queue.calls.remove(&id)
        else {
            return;
        };
        if stream::is_open(&response.0) && !answer.is_closed() {
            let open = Stream {
                call: stream,
                _holds: holds,
            };
            queue.streams.insert(open.call.host_call_id.clone(), open);
        }
        // The caller may have left.
        let _ = answer.send(response);
    }

    /// Passes a chunk of a stream on to the caller of this participant, whose identity is `host`. A chunk of a stream that
    /// is not open is ignored. The stream of a caller that does not keep up ends.
    pub(in crate::server) fn chunk(
        &self,
        host: &Identity,
        chunk: StreamChunk,
        payload: SecretValue,
        memory: Option<Reservation>,
    ) {
        let Some(call) = self.stream(&chunk) else { return };
        if let Err(error) = call.pass_on(host, chunk, payload, memory) {
            tracing::debug!(?error, to = %call.caller.id, "a stream is given up");
            if let Some(queue) = self.lock().as_mut() {
                queue.streams.remove(&call.host_call_id);
            }
            call.end("more chunks of the stream were sent than taken");
        }
    }

    /// The stream of a chunk, which ends with its last one.
    fn stream(&self, chunk: &StreamChunk) -> Option<StreamCall> {
        let mut queue = self.lock();
        let streams = &mut queue.as_mut()?.streams;
        if chunk.is_close() {
            streams.remove(&chunk.tool_call_id).map(|stream| stream.call)
        } else {
            streams.get(&chunk.tool_call_id).map(|stream| stream.call.clone())
        }
    }

    /// Whether nothing waits to be written.
    pub(in crate::server) fn is_empty(&self) -> bool {
        self.lock().as_ref().is_none_or(|queue| queue.unsent.is_empty())
    }

    /// Ends all calls and streams, because the participant has left, and refuses new ones.
    pub(super) fn close(&self) {
        let queue = self.lock().take();
        // Not under the lock: a caller may be a host that this participant calls, and leave at this moment.
        for (_, stream) in queue.map(|queue| queue.streams).into_iter().flatten() {
            stream
                .call
                .end("the participant left before the end of the stream");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Queue>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    /// Takes the next message that its sender still wants to be written.
    fn pop(&mut self) -> Option<(Message, Sent)> {
        self.forget_given_up();
        let Relayed { message, then, holds } = self.unsent.pop_front()?;
        Some((message, Sent(then, holds)))
    }

    /// Removes what its sender no longer waits for.
    fn forget_given_up(&mut self) {
        self.calls.retain(|_, call| !call.answer.is_closed());
        self.unsent.retain(|relayed| match &relayed.then {
            Then::Answer(answer, _) => !answer.is_closed(),
            Then::Written(_) | Then::Nothing => true,
        });
    }
}

fn take_share(shares: &Shares<Identity>, sender: &Identity) -> Result<Share<Identity>, RelayError> {
    let share = shares.take(sender.clone());
    share.ok_or(RelayError::TooManyOfSender(shares.limit()))
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use std::sync::Arc;

    use crate::sensitive::Sensitive;
    use crate::server::caller::{Caller, TokenOrigin};
    use crate::server::config::Limits;
    use crate::server::rooms::Rooms;
    use crate::token::{ApiScope, Role};
    use crate::wire::room::Accepts;
    use crate::wire::{Header, RoomName};

    fn message() -> Message {
        Message::new(0, "kind", &Header::new(), Sensitive::default()).unwrap()
    }

    fn identity(name: &str) -> Identity {
        Identity::new(name).unwrap()
    }

    fn call(relay: &Relay, caller: &str) -> Result<oneshot::Receiver<HostedResponse>, RelayError> {
        let member = Rooms::default().enter(
            RoomName::new("r").unwrap(),
            &Caller {
                identity: identity(caller),
                role: Role::User,
                api: ApiScope::participant(),
                token: TokenOrigin {
                    api_key_id: uuid::Uuid::nil(),
                    token_id: None,
                    issued_at: None,
                },
                expires_at: None,
            },
            Accepts::ALL,
            &Limits::default(),
        );
        let stream = StreamCall {
            caller: Arc::clone(&member.member),
            caller_call_id: "1".to_owned(),
            host_call_id: "h".to_owned(),
        };
        relay.call(&identity(caller), message(), stream)
    }

    /// Writes the next message under this id.
    fn write(relay: &Relay, id: u64) {
        let (_, sent) = relay.next().now_or_never().unwrap();
        relay.sent(id, sent);
    }

    #[test]
    fn a_call_gets_the_answer_of_its_message() {
        let relay = Relay::default();
        let first = call(&relay, "ada").unwrap();
        let second = call(&relay, "ada").unwrap();
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
        assert_eq!(call(&relay, "ada").unwrap_err(), RelayError::Left);
    }

    #[test]
    fn one_sender_does_not_keep_others_away_and_what_it_gives_up_does_not_count() {
        let relay = Relay::default();
        let calls: Vec<_> = (0..MAX_OF_ONE_SENDER)
            .map(|_| call(&relay, "eve").unwrap())
            .collect();
        write(&relay, 1);
        let refused = relay.send(&identity("eve"), message()).unwrap_err();
        assert_eq!(refused, RelayError::TooManyOfSender(MAX_OF_ONE_SENDER));
        relay.send(&identity("ada"), message()).unwrap();
        drop(calls);
        relay.send(&identity("eve"), message()).unwrap();
    }
}
