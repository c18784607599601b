//! The room protocol, pure: bytes in, values out, and back. No input makes it panic, and it never
//! allocates more than it was sent.
//!
//! From the socket upwards: a [`Packet`] is one binary WebSocket message; the [`Assembler`] joins
//! packets to a [`Message`]; a message has a JSON header and a payload, which a call or an answer
//! reads as a [`Content`]; [`room`], [`messaging`] and [`secrets`] hold the inputs and answers of the
//! calls, and what a server pushes.

#![warn(clippy::arithmetic_side_effects)]

mod address;
mod assembler;
mod content;
mod data;
mod error_code;
mod http_endpoint;
mod message;
pub mod messaging;
mod name;
mod packet;
pub mod room;
pub mod secrets;

pub use address::{RoomUrlError, is_encrypted_or_loopback, is_loopback, room_url, websocket_url};
pub use assembler::{Assembled, Assembler};
pub use content::Content;
pub use error_code::ErrorCode;
pub(crate) use http_endpoint::check_parts;
pub use http_endpoint::{EndpointError, HttpEndpoint};
pub use message::{Header, Message};
pub use name::{
    Identity, MAX_NAME_BYTES, MAX_URL_BYTES, NameError, ParticipantId, RequestId, RoomName, SecretId,
    SecretUrl,
};
pub use packet::{PACKET_DATA_BYTES, Packet};

/// Largest message header that is read unless the reader takes more, in bytes (1 MiB).
pub const MAX_HEADER_BYTES: usize = 1 << 20;

/// Largest header of an answer that a client reads, in bytes (16 MiB): a list of secrets is a header, and
/// one of 10,000 is longer than [`MAX_HEADER_BYTES`].
pub const MAX_ANSWER_HEADER_BYTES: usize = 16 << 20;

/// Largest message that is read unless configured otherwise, in bytes: a payload of 64 MiB and its
/// header.
pub const MAX_MESSAGE_BYTES: usize = MAX_PAYLOAD_BYTES + MAX_HEADER_BYTES;

/// Largest payload, and so the largest secret, unless configured otherwise, in bytes (64 MiB).
pub const MAX_PAYLOAD_BYTES: usize = 64 << 20;

/// What is wrong with bytes that should have been a packet, a message or a content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A packet ends before its header does.
    #[error("a packet of {length} bytes is shorter than its header")]
    ShortPacket {
        /// Length of the packet in bytes.
        length: usize,
    },
    /// A packet came out of order.
    #[error("packet {found} came where packet {expected} was due")]
    OutOfOrder {
        /// The index that was due.
        expected: u32,
        /// The index that came.
        found: u32,
    },
    /// A packet of another message came before the current one was complete.
    #[error("a packet of message {found} came inside message {expected}")]
    ForeignPacket {
        /// Id of the message being assembled.
        expected: u64,
        /// Id that the packet carries.
        found: u64,
    },
    /// The message is longer than the receiver takes.
    #[error("the message is longer than the limit")]
    TooLarge,
    /// The message type is not UTF-8 or is unreasonably long.
    #[error("the message type is not readable text")]
    BadType,
    /// The message's data is shorter than the header length it starts with.
    #[error("the message header is cut off or longer than the limit")]
    BadHeaderLength,
    /// The header is not a JSON object.
    #[error("the message header is not a JSON object")]
    BadHeader,
    /// The content's `type` is missing or unknown.
    #[error("the content has no type that is known")]
    UnknownContent,
    /// A member is missing or of the wrong type.
    #[error("the member `{0}` is missing or of the wrong type")]
    BadMember(&'static str),
    /// The input does not have the form that the call takes.
    #[error("the input does not have the form that the call takes")]
    BadInput,
}
