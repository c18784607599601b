//! Who is here: the `messaging` toolkit and what it pushes (protocol, "Presence").

use serde::{Deserialize, Serialize};

use super::Header;

/// The toolkit's name.
pub const TOOLKIT: &str = "messaging";

/// Names of the toolkit's tools.
pub mod tool {
    /// Become visible and hear who else is: takes `{}`, answers `empty`.
    pub const ENABLE: &str = "enable";
    /// End that: takes `{}`, answers `empty`.
    pub const DISABLE: &str = "disable";
}

/// Type of the message that carries what participants tell each other, and what the server tells of them:
/// [`RoomMessage`].
pub const SEND: &str = "messaging.send";

/// Types of a [`RoomMessage`] about participants.
pub mod event {
    /// Messaging is enabled: [`super::MessagingEnabled`].
    pub const ENABLED: &str = "messaging.enabled";
    /// Somebody else enabled it: [`super::ParticipantInfo`].
    pub const PARTICIPANT_ENABLED: &str = "participant.enabled";
    /// Somebody else disabled it or left: [`super::ParticipantGone`].
    pub const PARTICIPANT_DISABLED: &str = "participant.disabled";
    /// The sender's attributes are others now: [`super::ParticipantAttributes`].
    pub const PARTICIPANT_ATTRIBUTES: &str = "participant.attributes";
}

/// Header of a `messaging.send` message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomMessage {
    /// The participant that it is from, or about.
    #[serde(default)]
    pub from_participant_id: String,
    /// What kind of message it is.
    #[serde(rename = "type")]
    pub message_type: String,
    /// What it says.
    #[serde(default)]
    pub message: Header,
}

/// Messaging is enabled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessagingEnabled {
    /// The others that have enabled it.
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
    /// What it says of itself; `name` is its identity and comes from the server.
    #[serde(default)]
    pub attributes: Header,
}

/// A participant is not visible any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParticipantGone {
    /// Id of the connection.
    pub id: String,
}

/// What a participant says of itself now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParticipantAttributes {
    /// All its attributes.
    #[serde(default)]
    pub attributes: Header,
}

/// The attribute that holds a participant's identity.
pub const NAME: &str = "name";
