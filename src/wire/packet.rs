//! Packets: the content of one binary WebSocket message each (protocol, "Packets").

use std::fmt;

use super::DecodeError;

/// Most data bytes in a packet that [`Message::packets`](super::Message::packets) makes. Packets of any size are
/// read.
pub const PACKET_DATA_BYTES: usize = 1024;

/// Bytes before the data in every packet after the first: message id and index.
pub(super) const DATA_HEADER_BYTES: usize = 12;

/// Longest message type that is accepted, in bytes (protocol, "Limits").
const MAX_TYPE_BYTES: usize = 256;

/// A packet that borrows from the bytes it was read from. `Debug` shows the length of the data, not the data.
///
/// ```
/// use meshagent::wire::Packet;
///
/// let packet = Packet::Data { message_id: 7, index: 1, data: b"abc" };
/// let bytes = packet.encode();
/// assert_eq!(bytes, b"\0\0\0\0\0\0\0\x07\0\0\0\x01abc");
/// assert_eq!(Packet::decode(&bytes)?, packet);
/// # Ok::<(), meshagent::wire::DecodeError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Packet<'a> {
    /// Packet 0: begins a message.
    First {
        /// Id of the message.
        message_id: u64,
        /// Number of data packets that follow.
        packet_count: u32,
        /// The message's type.
        kind: &'a str,
    },
    /// Packet 1 and later: a part of the message's data.
    Data {
        /// Id of the message.
        message_id: u64,
        /// Index of the packet, from 1.
        index: u32,
        /// The part.
        data: &'a [u8],
    },
}

impl<'a> Packet<'a> {
    /// Reads a packet.
    ///
    /// # Errors
    /// [`DecodeError::ShortPacket`] and [`DecodeError::BadType`].
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let short = DecodeError::ShortPacket { length: bytes.len() };
        let (message_id, rest) = bytes.split_first_chunk().ok_or_else(|| short.clone())?;
        let (index, rest) = rest.split_first_chunk().ok_or_else(|| short.clone())?;
        let message_id = u64::from_be_bytes(*message_id);
        let index = u32::from_be_bytes(*index);
        if index != 0 {
            return Ok(Self::Data {
                message_id,
                index,
                data: rest,
            });
        }
        let (packet_count, kind) = rest.split_first_chunk().ok_or(short)?;
        if kind.len() > MAX_TYPE_BYTES {
            return Err(DecodeError::BadType);
        }
        let kind = std::str::from_utf8(kind).map_err(|_| DecodeError::BadType)?;
        Ok(Self::First {
            message_id,
            packet_count: u32::from_be_bytes(*packet_count),
            kind,
        })
    }

    /// The bytes of this packet.
    pub fn encode(&self) -> Vec<u8> {
        match *self {
            Self::First {
                message_id,
                packet_count,
                kind,
            } => {
                let mut bytes = data_header(message_id, 0, kind.len().saturating_add(4));
                bytes.extend_from_slice(&packet_count.to_be_bytes());
                bytes.extend_from_slice(kind.as_bytes());
                bytes
            }
            Self::Data {
                message_id,
                index,
                data,
            } => {
                let mut bytes = data_header(message_id, index, data.len());
                bytes.extend_from_slice(data);
                bytes
            }
        }
    }
}

impl fmt::Debug for Packet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::First {
                message_id,
                packet_count,
                kind,
            } => write!(f, "Packet({kind:?} {message_id}: {packet_count} packets)"),
            Self::Data {
                message_id,
                index,
                data,
            } => write!(f, "Packet({message_id}, {index}: {} bytes)", data.len()),
        }
    }
}

/// Message id and index, in a buffer with capacity for `rest` more bytes.
pub(super) fn data_header(message_id: u64, index: u32, rest: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(rest.saturating_add(DATA_HEADER_BYTES));
    bytes.extend_from_slice(&message_id.to_be_bytes());
    bytes.extend_from_slice(&index.to_be_bytes());
    bytes
}
