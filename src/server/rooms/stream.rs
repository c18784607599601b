//! Streams that answer calls of toolkits: the host sends chunks, which are passed on to the caller.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Member;
use super::relay::RelayError;
use crate::sensitive::SecretValue;
use crate::server::memory::Reservation;
use crate::wire::toolkits::{StreamChunk, TOOL_CALL_RESPONSE_CHUNK};
use crate::wire::{Content, ErrorCode, Identity, Message};

/// A call of a toolkit, as a stream that answers it is passed on. The two sides know it by ids of their own.
#[derive(Debug, Clone)]
pub(in crate::server) struct StreamCall {
    pub(in crate::server) caller: Arc<Member>,
    /// The id of the call, as the caller knows it.
    pub(in crate::server) caller_call_id: String,
    /// The id of the call, as the host knows it.
    pub(in crate::server) host_call_id: String,
}

impl StreamCall {
    /// Passes a chunk of `host` on to the caller.
    pub(super) fn pass_on(
        &self,
        host: &Identity,
        chunk: StreamChunk,
        payload: SecretValue,
        memory: Option<Reservation>,
    ) -> Result<(), RelayError> {
        let message = self.message(chunk.chunk, payload).ok_or(RelayError::Left)?;
        self.caller.relay.send_chunk(host, message, memory)
    }

    /// Tells the caller that the stream ends early.
    pub(super) fn end(&self, reason: &str) {
        let error = json!({"type": "error", "text": reason, "code": ErrorCode::OperationFailed.number()});
        let close = json!({"type": "control", "method": "close"});
        for chunk in [error, close] {
            if let Some(message) = self.message(chunk, SecretValue::default()) {
                self.caller.relay.send_end(message);
            }
        }
    }

    fn message(&self, chunk: Value, payload: SecretValue) -> Option<Message> {
        let header = StreamChunk {
            tool_call_id: self.caller_call_id.clone(),
            chunk,
        };
        Message::new(0, TOOL_CALL_RESPONSE_CHUNK, &header, payload).ok()
    }
}

/// Whether the answer of a call starts a stream.
pub(super) fn is_open(content: &Content) -> bool {
    matches!(content, Content::Control(header) if header.get("method").is_some_and(|method| method == "open"))
}
