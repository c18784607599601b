//! What participants are asked and have not answered yet.
//!
//! The same for everything that can be asked: a request is registered with the participant that is
//! asked, pushed to it, and answered by that participant alone and once. It ends with the answer, when
//! its time is over, or when either side leaves.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use uuid::Uuid;

use crate::sensitive::SecretValue;
use crate::server::store::SecretRecord;
use crate::wire::RequestId;

/// What a participant answers.
#[derive(Debug)]
pub(in crate::server) enum Answer {
    /// This.
    Provided(SecretValue),
    /// No, for this reason.
    Rejected(String),
    /// It answered, and the answer was lost here.
    Lost,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::server) enum Unanswered {
    /// The participant that was asked has left.
    Left,
    /// It has too many requests to answer already.
    TooMany,
    /// The time is over.
    TimedOut,
    /// Whoever asked has left, or the server stops.
    Withdrawn,
}

/// The requests that wait for one participant's answer.
#[derive(Debug)]
pub(in crate::server) struct Pending {
    limit: usize,
    /// None once the participant has left.
    waiting: Mutex<Option<HashMap<RequestId, Asked>>>,
}

/// A request that waits for its answer.
#[derive(Debug)]
pub(in crate::server) struct Asked {
    message_type: &'static str,
    /// How the answer is stored; none if whoever asked sees to that.
    pub(in crate::server) keep_as: Option<SecretRecord>,
    answer: oneshot::Sender<Answer>,
}

impl Asked {
    /// Gives the answer to whoever asked.
    pub(in crate::server) fn answer(self, answer: Answer) {
        // It may have left meanwhile.
        let _ = self.answer.send(answer);
    }
}

impl Pending {
    /// No requests, of at most `limit`.
    pub(in crate::server) fn new(limit: usize) -> Self {
        Self {
            limit,
            waiting: Mutex::new(Some(HashMap::new())),
        }
    }

    /// Takes the request in order to answer it: nobody else can from here on. None if there is no such
    /// request of that message type: never made, made of somebody else, answered, or over.
    pub(in crate::server) fn take(&self, id: &RequestId, message_type: &str) -> Option<Asked> {
        let mut waiting = self.lock();
        let waiting = waiting.as_mut()?;
        if waiting.get(id)?.message_type != message_type {
            return None;
        }
        waiting.remove(id)
    }

    /// The participant has left: nobody waits for it any more.
    pub(in crate::server) fn close(&self) {
        self.lock().take();
    }

    pub(super) fn register(
        &self,
        message_type: &'static str,
        keep_as: Option<SecretRecord>,
    ) -> Result<(RequestId, oneshot::Receiver<Answer>), Unanswered> {
        let mut waiting = self.lock();
        let waiting = waiting.as_mut().ok_or(Unanswered::Left)?;
        if waiting.len() >= self.limit {
            return Err(Unanswered::TooMany);
        }
        // Random, so that one request's id says nothing of another's.
        let id = RequestId::from(Uuid::new_v4());
        let (answer, answered) = oneshot::channel();
        let asked = Asked {
            message_type,
            keep_as,
            answer,
        };
        waiting.insert(id.clone(), asked);
        Ok((id, answered))
    }

    /// Forgets a request; false if it is answered already, or the participant has left.
    pub(super) fn forget(&self, id: &RequestId) -> bool {
        let mut waiting = self.lock();
        waiting
            .as_mut()
            .is_some_and(|waiting| waiting.remove(id).is_some())
    }

    fn lock(&self) -> MutexGuard<'_, Option<HashMap<RequestId, Asked>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
