//! The room protocol as pure functions and types: bytes to values and back, without input or output
//! (`docs/protocol.md`; comments name its sections as "protocol").
//!
//! From the socket upwards:
//!
//! 1. A [`Packet`] is the content of one binary WebSocket message.
//! 2. The [`Assembler`] joins packets to a [`Message`]: an id, a type, a JSON header and a payload.
//! 3. A call and its response carry a [`Content`] in header and payload.
//! 4. [`room`], [`messaging`] and [`secrets`] have the calls' inputs and responses, and what a server pushes.
//!
//! Beside them are the names that the protocol uses ([`RoomName`], [`Identity`], [`SecretId`] …) and the
//! addresses ([`HttpEndpoint`], [`websocket_url`], [`room_url`]).
//!
//! ```
//! use meshagent::wire::room::ToolInvocation;
//! use meshagent::wire::{Assembled, Assembler, Content, MAX_MESSAGE_BYTES};
//!
//! let call = ToolInvocation::new("secrets", "list_secrets", Content::Empty);
//! let message = call.into_message(1)?;
//! let mut assembler = Assembler::new(MAX_MESSAGE_BYTES);
//! for packet in message.packets() {
//!     if let Assembled::Message(message) = assembler.push(&packet)? {
//!         assert_eq!(ToolInvocation::from_message(message)?.tool, "list_secrets");
//!     }
//! }
//! # Ok::<(), meshagent::wire::DecodeError>(())
//! ```
//!
//! # Hostile input
//! No input makes this module panic. Memory grows with the bytes that were received, never with a length that
//! the sender announced. No error repeats the content of a message.

#![warn(clippy::arithmetic_side_effects)]

mod address;
mod assembler;
mod content;
mod data;
mod error_code;
#[cfg(test)]
#[path = "../../tests/fuzz/wire.rs"]
mod fuzz;
mod http_endpoint;
mod message;
pub mod messaging;
mod name;
mod packet;
pub mod room;
pub mod secrets;
pub mod toolkits;

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

/// Largest message header that an [`Assembler`] accepts by default, in bytes: 1 MiB (protocol, "Limits").
pub const MAX_HEADER_BYTES: usize = 1 << 20;

/// Largest header of a response that a client accepts, in bytes: 16 MiB (protocol, "Limits"). A list of secrets
/// is a header, and a list of 10,000 exceeds [`MAX_HEADER_BYTES`].
pub const MAX_ANSWER_HEADER_BYTES: usize = 16 << 20;

/// Largest message that is accepted by default, in bytes: [`MAX_PAYLOAD_BYTES`] and [`MAX_HEADER_BYTES`].
pub const MAX_MESSAGE_BYTES: usize = MAX_PAYLOAD_BYTES + MAX_HEADER_BYTES;

/// Largest payload, and so the largest value of a secret, that is accepted by default, in bytes: 64 MiB.
pub const MAX_PAYLOAD_BYTES: usize = 64 << 20;

/// Why bytes are not a packet, a message or a content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A packet ends before its header does.
    #[error("a packet of {length} bytes is shorter than its header")]
    ShortPacket {
        /// Length of the packet in bytes.
        length: usize,
    },
    /// The packets of a message are not in order.
    #[error("packet {found} came where packet {expected} was due")]
    OutOfOrder {
        /// The index that should have come.
        expected: u32,
        /// The index that came.
        found: u32,
    },
    /// A packet of another message came before the current message was complete.
    #[error("a packet of message {found} came inside message {expected}")]
    ForeignPacket {
        /// Id of the message being assembled.
        expected: u64,
        /// Id in the packet.
        found: u64,
    },
    /// The message is longer than the receiver's limit.
    #[error("the message is longer than the limit")]
    TooLarge,
    /// The receiver skipped the message.
    #[error("the message was skipped")]
    Skipped,
    /// The message type is not UTF-8, or longer than 256 bytes.
    #[error("the message type is not readable text")]
    BadType,
    /// The message's data is shorter than the header length at its start, or that length exceeds the limit.
    #[error("the message header is cut off or longer than the limit")]
    BadHeaderLength,
    /// The header is not a JSON object.
    #[error("the message header is not a JSON object")]
    BadHeader,
    /// The content's `type` is missing, or is not one of [`Content`]'s.
    #[error("the content has no type that is known")]
    UnknownContent,
    /// A member is missing or of the wrong type.
    #[error("the member `{0}` is missing or of the wrong type")]
    BadMember(&'static str),
    /// The input is of another content type than the call takes, or its members do not fit.
    #[error("the input does not have the form that the call takes")]
    BadInput,
}
