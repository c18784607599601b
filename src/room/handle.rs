//! A handle to a connection, for tasks that call toolkits and read what the room pushes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tokio::sync::mpsc;

use super::RoomError;
use super::calls::Calls;
use super::session::Outgoing;
use super::subscription::{Subscribers, Subscription};
use crate::wire::room::ToolInvocation;
use crate::wire::{Content, MAX_MESSAGE_BYTES};

/// Calls toolkits over the connection of a [`RoomClient`](super::RoomClient). Clones are cheap and may be
/// moved into tasks; they do not keep the connection open.
#[derive(Debug, Clone)]
pub struct RoomHandle {
    outgoing: mpsc::Sender<Outgoing>,
    calls: Arc<Calls>,
    subscribers: Arc<Subscribers>,
    next_id: Arc<AtomicU64>,
}

impl RoomHandle {
    pub(super) fn new(
        outgoing: mpsc::Sender<Outgoing>,
        calls: Arc<Calls>,
        subscribers: Arc<Subscribers>,
    ) -> Self {
        Self {
            outgoing,
            calls,
            subscribers,
            next_id: Arc::new(AtomicU64::new(1)),
        }
    }

    /// Subscribes to what the room pushes from now on.
    pub fn subscribe(&self) -> Subscription {
        self.subscribers.subscribe(&self.calls)
    }

    /// Calls a tool and waits for its response, without a time limit (protocol, "Calls"). When the future is
    /// dropped, the response is ignored; the server carries the call out all the same.
    ///
    /// # Errors
    /// - [`RoomError::Call`] and [`RoomError::Rejected`] for an `error` content.
    /// - [`RoomError::TooLarge`] if the message has more than [`MAX_MESSAGE_BYTES`]; nothing is sent then.
    /// - Why the connection ended, if it has.
    pub async fn invoke(&self, toolkit: &str, tool: &str, input: Content) -> Result<Content, RoomError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let call = ToolInvocation::new(toolkit, tool, input);
        let message = call.into_message(id)?;
        if message.data_len() > MAX_MESSAGE_BYTES {
            return Err(RoomError::TooLarge {
                bytes: message.data_len(),
                limit: MAX_MESSAGE_BYTES,
            });
        }
        let began = Instant::now();
        let call = self.calls.register(id)?;
        self.outgoing
            .send(Outgoing::Message(message))
            .await
            .map_err(|_| self.calls.end_reason())?;
        let response = call.response().await;
        let (is_ok, ms) = (response.is_ok(), began.elapsed().as_millis());
        tracing::debug!(toolkit, tool, is_ok, ms, "a call was answered");
        response
    }

    /// Has the connection closed with close code 1000. False if it has ended.
    pub(super) async fn close(&self) -> bool {
        self.outgoing.send(Outgoing::Close).await.is_ok()
    }

    /// Ends all calls and subscriptions, before the task that would do it is aborted.
    pub(super) fn end(&self) {
        self.calls.end(&RoomError::Closed("by this side".to_owned()));
        self.subscribers.end();
    }
}
