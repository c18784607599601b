//! Presence: the `messaging` toolkit and what the server pushes for it (protocol, "Presence").

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Header;

/// The toolkit's name.
pub const TOOLKIT: &str = "messaging";

/// Names of the toolkit's tools.
pub mod tool {
    /// Makes the caller visible and pushes who else is: input `{}`, response `empty`.
    pub const ENABLE: &str = "enable";
    /// Ends that: input `{}`, response `empty`.
    pub const DISABLE: &str = "disable";
    /// Sends a message to one participant. Input: [`super::SendMessage`]; response: `empty`, once it is written.
    pub const SEND: &str = "send";
    /// Sends a message to all others that enabled messaging. Input: [`super::SendMessage`] without a recipient;
    /// response: `empty`.
    pub const BROADCAST: &str = "broadcast";
}

/// Type of the message that carries messages between participants, and the server's messages about participants:
/// [`RoomMessage`].
pub const SEND: &str = "messaging.send";

/// Types of a [`RoomMessage`] about participants.
pub mod event {
    /// The receiver enabled messaging: [`super::MessagingEnabled`].
    pub const ENABLED: &str = "messaging.enabled";
    /// Another participant enabled messaging: [`super::ParticipantInfo`].
    pub const PARTICIPANT_ENABLED: &str = "participant.enabled";
    /// Another participant disabled messaging, or left: [`super::ParticipantDisabled`].
    pub const PARTICIPANT_DISABLED: &str = "participant.disabled";
    /// The sender's attributes have changed: [`super::ParticipantAttributes`].
    pub const PARTICIPANT_ATTRIBUTES: &str = "participant.attributes";
}

/// Header of a `messaging.send` message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomMessage {
    /// Id of the participant that the message is from, or about.
    #[serde(default)]
    pub from_participant_id: String,
    /// Type of the message: one of [`event`], or the participants' own.
    #[serde(rename = "type")]
    pub message_type: String,
    /// The message.
    #[serde(default)]
    pub message: Header,
}

/// Input of `send` and `broadcast`. `Debug` leaves out what is sent.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SendMessage {
    /// Id of the recipient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_participant_id: Option<String>,
    /// Type of the message, in the participants' own words.
    #[serde(rename = "type")]
    pub message_type: String,
    /// The message, a JSON object, as text.
    pub message_json: String,
    /// Bytes that go with it, in base64.
    pub attachment_base64: Option<String>,
}

impl fmt::Debug for SendMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendMessage")
            .field("to_participant_id", &self.to_participant_id)
            .field("message_type", &self.message_type)
            .finish_non_exhaustive()
    }
}

/// The other participants, for one that enabled messaging.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessagingEnabled {
    /// The others that have enabled messaging.
    #[serde(default)]
    pub participants: Vec<ParticipantInfo>,
}

/// A participant, as others see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParticipantInfo {
    /// Id of the connection.
    pub id: String,
    /// `user`, `agent` or `tool`.
    #[serde(default)]
    pub role: String,
    /// Attributes that the participant has set, and `name`, its identity, which the server sets.
    #[serde(default)]
    pub attributes: Header,
}

/// A participant that disabled messaging or left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParticipantDisabled {
    /// Id of the connection.
    pub id: String,
}

/// The attributes of a participant after a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParticipantAttributes {
    /// All its attributes.
    #[serde(default)]
    pub attributes: Header,
}

/// The attribute that holds a participant's identity.
pub const NAME: &str = "name";
