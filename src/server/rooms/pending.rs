//! The requests to a participant that wait for its reply.
//!
//! They are the same whatever is asked for: a request is registered with the participant that is asked,
//! pushed to it, and replied to by that participant alone, once. It ends with the reply, when its time is
//! over, or when either participant leaves.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use uuid::Uuid;

use crate::sensitive::SecretValue;
use crate::server::store::SecretRecord;
use crate::wire::RequestId;

/// How a participant replies to a request.
#[derive(Debug)]
pub(in crate::server) enum Reply {
    /// It provided this value.
    Provided(SecretValue),
    /// It rejected the request for this reason.
    Rejected(String),
    /// It provided a value that the server could not store.
    Lost,
}

/// Why there is no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::server) enum RequestError {
    /// The participant that was asked has left.
    ParticipantLeft,
    /// Its token does not let it answer.
    MayNotAnswer,
    /// It has too many requests to reply to already.
    TooMany,
    /// It did not reply in time.
    TimedOut,
    /// The requester has left, or the server stops.
    Withdrawn,
}

/// The requests that wait for one participant's reply.
#[derive(Debug)]
pub(in crate::server) struct PendingRequests {
    limit: usize,
    /// None once the participant has left.
    by_id: Mutex<Option<HashMap<RequestId, PendingRequest>>>,
}

/// A request that waits for its reply.
#[derive(Debug)]
pub(in crate::server) struct PendingRequest {
    message_type: &'static str,
    /// How a provided value is stored. None if the requester's call deals with it.
    pub(in crate::server) keep_as: Option<SecretRecord>,
    reply: oneshot::Sender<Reply>,
}

impl PendingRequest {
    /// Hands the reply to the requester's call.
    pub(in crate::server) fn reply(self, reply: Reply) {
        // The requester may have left.
        let _ = self.reply.send(reply);
    }
}

impl PendingRequests {
    /// No requests, of at most `limit`.
    pub(in crate::server) fn new(limit: usize) -> Self {
        Self {
            limit,
            by_id: Mutex::new(Some(HashMap::new())),
        }
    }

    /// Takes the request in order to reply to it: no other call can from here on. None if the participant was
    /// not sent such a request of that message type, or if it was replied to, timed out or withdrawn.
    pub(in crate::server) fn take(&self, id: &RequestId, message_type: &str) -> Option<PendingRequest> {
        let mut requests = self.lock();
        let requests = requests.as_mut()?;
        if requests.get(id)?.message_type != message_type {
            return None;
        }
        requests.remove(id)
    }

    /// Ends all requests, because the participant has left, and refuses new ones.
    pub(in crate::server) fn close(&self) {
        self.lock().take();
    }

    /// Adds a request, and returns its id and where its reply arrives.
    pub(super) fn register(
        &self,
        message_type: &'static str,
        keep_as: Option<SecretRecord>,
    ) -> Result<(RequestId, oneshot::Receiver<Reply>), RequestError> {
        let mut requests = self.lock();
        let requests = requests.as_mut().ok_or(RequestError::ParticipantLeft)?;
        if requests.len() >= self.limit {
            return Err(RequestError::TooMany);
        }
        // Random, so that one request's id reveals nothing about another's.
        let id = RequestId::from(Uuid::new_v4());
        let (reply, replied) = oneshot::channel();
        let request = PendingRequest {
            message_type,
            keep_as,
            reply,
        };
        requests.insert(id.clone(), request);
        Ok((id, replied))
    }

    /// Removes a request. False if it was taken already, or the participant has left.
    pub(super) fn forget(&self, id: &RequestId) -> bool {
        let mut requests = self.lock();
        requests
            .as_mut()
            .is_some_and(|requests| requests.remove(id).is_some())
    }

    fn lock(&self) -> MutexGuard<'_, Option<HashMap<RequestId, PendingRequest>>> {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
