//! Joins packets to messages, one message at a time.

use super::data::MessageData;
use super::{DecodeError, MAX_HEADER_BYTES, Message, Packet};

/// What a packet completed.
#[derive(Debug)]
pub enum Assembled {
    /// Nothing yet: more packets are due.
    Pending,
    /// A whole message.
    Message(Message),
    /// A message ended that cannot be read: it was longer than the limit, or its data is not a
    /// message's. The packets were in order, so the next message can be read.
    Unreadable {
        /// Id of the message, to answer it by.
        message_id: u64,
        /// Its type.
        kind: String,
        /// What is wrong with it.
        error: DecodeError,
    },
}

/// Joins the packets of one direction of a connection to messages.
///
/// Memory follows the bytes that have come, never the count that was announced. A message over the
/// limit is read to its end and reported, so that whoever sent it can be answered.
#[derive(Debug)]
pub struct Assembler {
    limit: usize,
    header_limit: usize,
    partial: Option<Partial>,
}

#[derive(Debug)]
struct Partial {
    message_id: u64,
    kind: String,
    packet_count: u32,
    received: u32,
    data: MessageData,
    too_large: bool,
}

impl Assembler {
    /// An assembler that keeps messages of up to `limit` bytes of data, with a header of up to
    /// [`MAX_HEADER_BYTES`].
    pub const fn new(limit: usize) -> Self {
        Self {
            limit,
            header_limit: MAX_HEADER_BYTES,
            partial: None,
        }
    }

    /// Takes headers of up to `bytes` instead.
    #[must_use]
    pub const fn with_header_limit(mut self, bytes: usize) -> Self {
        self.header_limit = bytes;
        self
    }

    /// Takes the next packet of the stream. After an error the stream has no meaning any more.
    pub fn push(&mut self, packet: &[u8]) -> Result<Assembled, DecodeError> {
        match (Packet::decode(packet)?, self.partial.as_mut()) {
            (
                Packet::First {
                    message_id,
                    packet_count,
                    kind,
                },
                None,
            ) => {
                let partial = Partial {
                    message_id,
                    kind: kind.to_owned(),
                    packet_count,
                    received: 0,
                    data: MessageData::new(self.header_limit),
                    too_large: false,
                };
                if packet_count == 0 {
                    return Ok(partial.finish());
                }
                self.partial = Some(partial);
                Ok(Assembled::Pending)
            }
            (Packet::First { message_id, .. }, Some(partial)) if message_id == partial.message_id => {
                Err(DecodeError::OutOfOrder {
                    expected: partial.received.saturating_add(1),
                    found: 0,
                })
            }
            (Packet::First { message_id, .. }, Some(partial)) => Err(DecodeError::ForeignPacket {
                expected: partial.message_id,
                found: message_id,
            }),
            (Packet::Data { index, .. }, None) => Err(DecodeError::OutOfOrder {
                expected: 0,
                found: index,
            }),
            (
                Packet::Data {
                    message_id,
                    index,
                    data,
                },
                Some(partial),
            ) => {
                partial.append(message_id, index, data, self.limit)?;
                if partial.received < partial.packet_count {
                    return Ok(Assembled::Pending);
                }
                self.partial
                    .take()
                    .map_or(Ok(Assembled::Pending), |partial| Ok(partial.finish()))
            }
        }
    }
}

impl Partial {
    fn append(&mut self, message_id: u64, index: u32, data: &[u8], limit: usize) -> Result<(), DecodeError> {
        if message_id != self.message_id {
            return Err(DecodeError::ForeignPacket {
                expected: self.message_id,
                found: message_id,
            });
        }
        let expected = self.received.saturating_add(1);
        if index != expected {
            return Err(DecodeError::OutOfOrder {
                expected,
                found: index,
            });
        }
        self.received = expected;
        if self.too_large || self.data.len().saturating_add(data.len()) > limit {
            self.too_large = true;
            self.data.clear();
        } else {
            self.data.append(data);
        }
        Ok(())
    }

    fn finish(self) -> Assembled {
        let read = if self.too_large {
            Err(DecodeError::TooLarge)
        } else {
            Message::from_data(self.message_id, &self.kind, self.data)
        };
        read.map_or_else(
            |error| Assembled::Unreadable {
                message_id: self.message_id,
                kind: self.kind,
                error,
            },
            Assembled::Message,
        )
    }
}
