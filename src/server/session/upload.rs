//! Receives one message after the other, and reserves the memory that each of them takes.

use std::sync::Arc;

use axum::extract::ws::{Message as SocketMessage, WebSocket, close_code};
use futures_util::StreamExt;
use futures_util::stream::SplitStream;
use tokio::task::coop::consume_budget;

use super::SessionEnd;
use super::last_seen::LastSeen;
use super::progress::{Progress, Stalled};
use crate::server::config::Limits;
use crate::server::memory::{Busy, MemoryShare, Reservation};
use crate::wire::{Assembled, Assembler, Content, DecodeError, ErrorCode, MAX_HEADER_BYTES, Message, Packet};

/// A message that was received.
pub(super) struct Received {
    pub(super) message_id: u64,
    /// The message, or the answer to one that cannot be read.
    pub(super) call: Result<Message, Content>,
    /// The memory that the message takes. None for one that was skipped.
    pub(super) memory: Option<Reservation>,
}

/// Receives the messages of a participant.
pub(super) struct Uploads<'a> {
    stream: SplitStream<WebSocket>,
    last_seen: LastSeen,
    memory: &'a Arc<MemoryShare>,
    limits: &'a Limits,
    assembler: Assembler,
    current: Option<Upload>,
}

/// The message that has begun.
struct Upload {
    packets_left: u32,
    received: usize,
    progress: Progress,
    memory: Option<Reservation>,
    /// Whether it is skipped because there was no memory for it.
    refused: bool,
}

impl<'a> Uploads<'a> {
    pub(super) const fn new(
        stream: SplitStream<WebSocket>,
        last_seen: LastSeen,
        memory: &'a Arc<MemoryShare>,
        limits: &'a Limits,
    ) -> Self {
        Self {
            stream,
            last_seen,
            memory,
            limits,
            assembler: Assembler::new(limits.value_bytes.saturating_add(MAX_HEADER_BYTES)),
            current: None,
        }
    }

    /// The next message. While there is no memory for it, the socket is not read.
    pub(super) async fn next(&mut self) -> Result<Received, SessionEnd> {
        loop {
            let received = match self.receive().await? {
                SocketMessage::Binary(packet) => self.take(&packet).await?,
                SocketMessage::Close(_) => return Err(SessionEnd::Left),
                _ => None,
            };
            if let Some(received) = received {
                return Ok(received);
            }
            // A large message gives others a turn after each 128 packets: one read of the socket brings many.
            consume_budget().await;
        }
    }

    async fn receive(&mut self) -> Result<SocketMessage, SessionEnd> {
        let next = self.stream.next();
        let received = match &mut self.current {
            Some(upload) => upload
                .progress
                .wait(next)
                .await
                .map_err(|Stalled| SessionEnd::Dropped("a message was begun and did not come in time"))?,
            None => next.await,
        };
        self.last_seen.update();
        received.and_then(Result::ok).ok_or(SessionEnd::Left)
    }

    /// Takes a packet. Returns the message if it is complete.
    async fn take(&mut self, packet: &[u8]) -> Result<Option<Received>, SessionEnd> {
        let broken = |error: DecodeError| SessionEnd::Close(close_code::PROTOCOL, error.to_string());
        match Packet::decode(packet).map_err(broken)? {
            Packet::First { packet_count, .. } if self.current.is_none() => {
                self.current = Some(Upload::new(packet_count, self.limits));
            }
            // The assembler refuses a second first packet.
            Packet::First { .. } => {}
            Packet::Data { data, .. } => self.make_room(data.len()).await,
        }
        let (message_id, call) = match self.assembler.push(packet).map_err(broken)? {
            Assembled::Pending => return Ok(None),
            Assembled::Message(message) => (message.id, Ok(message)),
            Assembled::Unreadable {
                message_id, error, ..
            } => (message_id, Err(error)),
        };
        let upload = self.current.take();
        let refused = upload.as_ref().is_some_and(|upload| upload.refused);
        let call = call.map_err(|error| match error {
            DecodeError::Skipped if refused => busy(),
            other => unreadable(&other, self.limits.value_bytes),
        });
        let memory = match upload.and_then(|upload| upload.memory) {
            // A message without data takes memory too.
            None if call.is_ok() => self.memory.reserve(0).await.ok(),
            memory => memory,
        };
        let call = if memory.is_none() {
            call.and(Err(busy()))
        } else {
            call
        };
        Ok(Some(Received {
            message_id,
            call,
            memory,
        }))
    }

    /// Reserves memory for the message, of which the next packet brings `bytes` bytes. Skips it if there is none.
    async fn make_room(&mut self, bytes: usize) {
        let Some(upload) = &mut self.current else { return };
        upload.progress.advance(bytes);
        upload.packets_left = upload.packets_left.saturating_sub(1);
        upload.received = upload.received.saturating_add(bytes);
        if upload.refused {
            return;
        }
        let limit = self.limits.value_bytes.saturating_add(MAX_HEADER_BYTES);
        let reserved = if upload.received > limit {
            // The assembler drops it.
            upload.memory = None;
            Ok(())
        } else {
            upload.reserve(self.memory, bytes, limit).await
        };
        if reserved.is_err() {
            upload.refused = true;
            upload.memory = None;
            self.assembler.skip();
        }
        // The participant was not silent meanwhile: it was not heard.
        self.last_seen.update();
    }
}

impl Upload {
    fn new(packet_count: u32, limits: &Limits) -> Self {
        Self {
            packets_left: packet_count,
            received: 0,
            progress: Progress::new(limits.upload_time),
            memory: None,
            refused: false,
        }
    }

    /// Reserves memory for what was received and what is left. The number of packets that are left is known, and the
    /// other packets are expected to be as large as this one.
    async fn reserve(&mut self, share: &Arc<MemoryShare>, bytes: usize, limit: usize) -> Result<(), Busy> {
        let left = usize::try_from(self.packets_left).unwrap_or(usize::MAX);
        let expected = self
            .received
            .saturating_add(left.saturating_mul(bytes))
            .min(limit);
        match &mut self.memory {
            None => self.memory = Some(share.reserve(expected).await?),
            Some(memory) if memory.bytes() < self.received => memory.grow(expected).await?,
            Some(_) => {}
        }
        Ok(())
    }
}

fn busy() -> Content {
    Content::error(ErrorCode::OperationFailed, Busy.to_string())
}

fn unreadable(error: &DecodeError, limit: usize) -> Content {
    let text = match error {
        DecodeError::TooLarge => format!("a value has at most {limit} bytes here"),
        other => other.to_string(),
    };
    Content::error(ErrorCode::InvalidRequest, text)
}
