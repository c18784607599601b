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
use crate::server::config::Limits;
use crate::server::shares::{Share, Shares};
use crate::server::store::SecretRecord;
use crate::wire::{Identity, RequestId};

/// How a participant replies to a request.
#[derive(Debug)]
pub(in crate::server) enum Reply {
    /// It provided this value.
    Provided(SecretValue),
    /// It provided a value that is too large to be in memory twice. It is stored, and this is its SHA-256.
    Stored([u8; 32]),
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
    /// It has this many requests to reply to already, which is the limit.
    TooMany(usize),
    /// It has this many requests of the requester to reply to already, which is the limit for one identity.
    TooManyOfRequester(usize),
    /// It did not reply in time.
    TimedOut,
    /// The requester has left, or the server stops.
    Withdrawn,
}

/// The requests that wait for one participant's reply.
#[derive(Debug)]
pub(in crate::server) struct PendingRequests {
    limit: usize,
    /// How many of them come from each requester.
    by_requester: Shares<Identity>,
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
    /// Its part of the requester's share.
    _share: Share<Identity>,
}

impl PendingRequest {
    /// Hands the reply to the requester's call.
    pub(in crate::server) fn reply(self, reply: Reply) {
        // The requester may have left.
        let _ = self.reply.send(reply);
    }
}

impl PendingRequests {
    /// No requests, of at most as many as `limits` allow.
    pub(in crate::server) fn new(limits: &Limits) -> Self {
        Self {
            limit: limits.pending_requests,
            by_requester: Shares::new(limits.pending_requests_per_identity),
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

    /// How many requests wait for a reply.
    pub(super) fn len(&self) -> usize {
        self.lock().as_ref().map_or(0, HashMap::len)
    }

    /// Ends all requests, because the participant has left, and refuses new ones.
    pub(in crate::server) fn close(&self) {
        self.lock().take();
    }

    /// Adds a request of `requester`, and returns its id and where its reply arrives.
    pub(super) fn register(
        &self,
        requester: &Identity,
        message_type: &'static str,
        keep_as: Option<SecretRecord>,
    ) -> Result<(RequestId, oneshot::Receiver<Reply>), RequestError> {
        let mut requests = self.lock();
        let requests = requests.as_mut().ok_or(RequestError::ParticipantLeft)?;
        if requests.len() >= self.limit {
            return Err(RequestError::TooMany(self.limit));
        }
        let share = self.by_requester.take(requester.clone());
        let share = share.ok_or(RequestError::TooManyOfRequester(self.by_requester.limit()))?;
        // Random, so that one request's id reveals nothing about another's.
        let id = RequestId::from(Uuid::new_v4());
        let (reply, replied) = oneshot::channel();
        let request = PendingRequest {
            message_type,
            keep_as,
            reply,
            _share: share,
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

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: &str = "secrets.request_secret";

    fn identity(name: &str) -> Identity {
        Identity::new(name).unwrap()
    }

    fn requests(pending_requests: usize, pending_requests_per_identity: usize) -> PendingRequests {
        PendingRequests::new(&Limits {
            pending_requests,
            pending_requests_per_identity,
            ..Limits::default()
        })
    }

    #[test]
    fn one_requester_cannot_use_up_what_a_participant_may_be_asked() {
        let (requests, ada, eve) = (requests(4, 2), identity("ada"), identity("eve"));
        let register = |requester| requests.register(requester, KIND, None);
        let (first, _) = register(&eve).unwrap();
        let (second, _) = register(&eve).unwrap();
        assert_eq!(register(&eve).unwrap_err(), RequestError::TooManyOfRequester(2));
        register(&ada).unwrap();
        // A request that was replied to, and one that was withdrawn, count no longer.
        requests.take(&first, KIND).unwrap().reply(Reply::Lost);
        assert!(requests.forget(&second));
        register(&eve).unwrap();
        register(&eve).unwrap();
        assert_eq!(register(&eve).unwrap_err(), RequestError::TooManyOfRequester(2));
    }

    #[test]
    fn a_participant_is_asked_no_more_than_the_limit_by_all_together() {
        let requests = requests(3, 2);
        for requester in ["ada", "ada", "eve"] {
            requests.register(&identity(requester), KIND, None).unwrap();
        }
        let refused = requests.register(&identity("eve"), KIND, None);
        assert_eq!(refused.unwrap_err(), RequestError::TooMany(3));
    }
}
