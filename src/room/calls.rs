//! The calls of one connection that have no response yet.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::oneshot;

use super::RoomError;
use crate::wire::Content;

type CallResult = Result<Content, RoomError>;

/// Pending calls by the id of their message, and why the connection ended, once it has.
#[derive(Debug, Default)]
pub(super) struct Calls {
    pending: Mutex<HashMap<u64, oneshot::Sender<CallResult>>>,
    end: OnceLock<RoomError>,
}

/// A pending call. Dropping it removes the call, so that its response is ignored.
#[derive(Debug)]
pub(super) struct PendingCall<'a> {
    calls: &'a Calls,
    id: u64,
    response: oneshot::Receiver<CallResult>,
}

impl Calls {
    /// Registers a call before its message is sent.
    ///
    /// # Errors
    /// Why the connection ended, if it has.
    pub(super) fn register(&self, id: u64) -> Result<PendingCall<'_>, RoomError> {
        let mut pending = self.lock();
        if let Some(error) = self.end.get() {
            return Err(error.clone());
        }
        let (sender, response) = oneshot::channel();
        pending.insert(id, sender);
        Ok(PendingCall {
            calls: self,
            id,
            response,
        })
    }

    /// Completes the call `id`. A response to a call that is not pending is ignored.
    pub(super) fn complete(&self, id: u64, result: CallResult) {
        if let Some(sender) = self.lock().remove(&id) {
            // The caller may have dropped its call in this moment.
            let _ = sender.send(result);
        }
    }

    /// Notes that the connection has ended: every pending call and every later one fails with `error`. Only
    /// the first error counts.
    pub(super) fn end(&self, error: &RoomError) {
        let mut pending = self.lock();
        let error = self.end.get_or_init(|| error.clone());
        for (_, sender) in pending.drain() {
            let _ = sender.send(Err(error.clone()));
        }
    }

    /// Why the connection ended.
    pub(super) fn end_reason(&self) -> RoomError {
        let reason = self.end.get().cloned();
        reason.unwrap_or_else(|| RoomError::Closed(String::new()))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<CallResult>>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PendingCall<'_> {
    /// Waits for the response.
    pub(super) async fn response(mut self) -> CallResult {
        let result = (&mut self.response).await;
        result.unwrap_or_else(|_| Err(self.calls.end_reason()))
    }
}

impl Drop for PendingCall<'_> {
    fn drop(&mut self) {
        self.calls.lock().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_call_gets_its_response_or_the_end_of_the_connection() {
        let calls = Calls::default();
        let (one, two) = (calls.register(1).unwrap(), calls.register(2).unwrap());
        calls.complete(1, Ok(Content::Empty));
        assert!(matches!(one.response().await, Ok(Content::Empty)));
        let end = RoomError::Busy("later".to_owned());
        calls.end(&end);
        calls.end(&RoomError::Closed("again".to_owned()));
        assert_eq!(two.response().await.unwrap_err(), end);
        assert_eq!(calls.register(3).unwrap_err(), end);
    }

    #[test]
    fn a_dropped_call_is_not_kept() {
        let calls = Calls::default();
        drop(calls.register(1).unwrap());
        assert!(calls.lock().is_empty());
        calls.complete(1, Ok(Content::Empty));
    }
}
