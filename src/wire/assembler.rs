//! Joins packets to messages, one message at a time (protocol, "Packets").

use super::data::MessageData;
use super::{DecodeError, MAX_HEADER_BYTES, Message, Packet};

/// What a packet led to.
#[derive(Debug)]
pub enum Assembled {
    /// The message is not complete.
    Pending,
    /// The message is complete.
    Message(Message),
    /// The message is complete but cannot be read: it is longer than the limit, was skipped, or its data has the wrong form.
    /// Its packets were in order, so the next message can be read.
    Unreadable {
        /// Id of the message, for the response.
        message_id: u64,
        /// Its type.
        kind: String,
        /// What is wrong with it.
        error: DecodeError,
    },
}

/// Joins the packets of one direction of a connection to messages.
///
/// Memory grows with the bytes that were received, never with the announced number of packets. A message over
/// the limit is skipped to its end and reported as [`Assembled::Unreadable`], so that the call can be answered
/// with an error.
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
    /// Why the rest of the message is skipped.
    skipped: Option<DecodeError>,
}

impl Assembler {
    /// An assembler that accepts messages of up to `limit` bytes of data, of which the header has up to
    /// [`MAX_HEADER_BYTES`].
    pub const fn new(limit: usize) -> Self {
        Self {
            limit,
            header_limit: MAX_HEADER_BYTES,
            partial: None,
        }
    }

    /// Accepts headers of up to `bytes` bytes instead.
    #[must_use]
    pub const fn with_header_limit(mut self, bytes: usize) -> Self {
        self.header_limit = bytes;
        self
    }

    /// Skips the rest of the message that has begun, and drops what was received of it. At its end it is reported as
    /// [`Assembled::Unreadable`] with [`DecodeError::Skipped`].
    pub fn skip(&mut self) {
        if let Some(partial) = &mut self.partial {
            partial.skip(DecodeError::Skipped);
        }
    }

    /// Takes the next packet of the connection.
    ///
    /// # Errors
    /// The packet breaks the protocol. The assembler cannot go on after that: end the connection with close code
    /// 1002.
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
                    skipped: None,
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
        if self.skipped.is_none() && self.data.len().saturating_add(data.len()) > limit {
            self.skip(DecodeError::TooLarge);
        }
        if self.skipped.is_none() {
            // What comes if the other packets are as large as this one.
            let left = usize::try_from(self.packet_count.saturating_sub(expected)).unwrap_or(usize::MAX);
            self.data.append(data, left.saturating_mul(data.len()));
        }
        Ok(())
    }

    fn skip(&mut self, why: DecodeError) {
        self.skipped.get_or_insert(why);
        self.data.clear();
    }

    fn finish(self) -> Assembled {
        let read = match self.skipped {
            Some(why) => Err(why),
            None => Message::from_data(self.message_id, &self.kind, self.data),
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
