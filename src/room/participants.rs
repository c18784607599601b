//! Who else is in the room (protocol, "Presence").

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{RoomClient, RoomError, Subscription};
use crate::wire::messaging::{
    MessagingEnabled, NAME, ParticipantAttributes, ParticipantGone, ParticipantInfo, RoomMessage, SEND,
    TOOLKIT, event, tool,
};
use crate::wire::{Content, Header, Message, ParticipantId};

/// Somebody else in the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomParticipant {
    /// Id of its connection.
    pub id: ParticipantId,
    /// `user`, `agent` or `tool`, in the server's words.
    pub role: String,
    /// What is known of it.
    pub attributes: Header,
}

impl RoomParticipant {
    /// Its identity, if the server says it. Several participants may have the same.
    pub fn name(&self) -> Option<&str> {
        self.attributes.get(NAME).and_then(Value::as_str)
    }
}

/// What changed among the participants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PresenceChange {
    /// Somebody came, or says something else of itself.
    Here(RoomParticipant),
    /// Somebody left.
    Gone(RoomParticipant),
}

/// The others in the room that can be seen: those who have messaging enabled.
#[derive(Debug)]
pub struct Participants {
    others: BTreeMap<ParticipantId, RoomParticipant>,
    pushed: Subscription,
}

impl RoomClient {
    /// Enables messaging, and waits until the server says who else is here. From then on the others see
    /// this participant too, until the connection ends or [`RoomClient::leave_participants`] is called.
    ///
    /// # Errors
    /// Code 1001 without the `messaging` grant; 1003 from a server that has no such toolkit.
    pub async fn participants(&self) -> Result<Participants, RoomError> {
        let pushed = self.subscribe();
        let input = Content::Json(Header::new());
        self.invoke(TOOLKIT, tool::ENABLE, input).await?;
        let others = BTreeMap::new();
        let mut participants = Participants { others, pushed };
        loop {
            let message = participants.pushed.next().await?;
            if let Event::Listed = participants.apply(message) {
                return Ok(participants);
            }
        }
    }

    /// Disables messaging: the others do not see this participant any more.
    pub async fn leave_participants(&self) -> Result<(), RoomError> {
        let input = Content::Json(Header::new());
        self.invoke(TOOLKIT, tool::DISABLE, input).await.map(drop)
    }
}

/// What a message says of the participants.
enum Event {
    Nothing,
    Listed,
    Changed(PresenceChange),
}

impl Participants {
    /// Those who are here, by id.
    pub fn all(&self) -> impl Iterator<Item = &RoomParticipant> {
        self.others.values()
    }

    /// Those of this name.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a RoomParticipant> {
        self.all()
            .filter(move |participant| participant.name() == Some(name))
    }

    /// The participant of this id.
    pub fn get(&self, id: &ParticipantId) -> Option<&RoomParticipant> {
        self.others.get(id)
    }

    /// Waits for the next change and takes part in it. A call that is not awaited to its end loses none.
    ///
    /// # Errors
    /// Why the connection ended.
    pub async fn changed(&mut self) -> Result<PresenceChange, RoomError> {
        loop {
            let message = self.pushed.next().await?;
            if let Event::Changed(change) = self.apply(message) {
                return Ok(change);
            }
        }
    }

    /// Takes a message in. What cannot be read says nothing: it is the server's mistake and no reason to
    /// leave.
    fn apply(&mut self, message: Message) -> Event {
        if message.kind != SEND {
            return Event::Nothing;
        }
        let Ok((message, _)) = message.read::<RoomMessage>() else {
            return Event::Nothing;
        };
        let from = message.from_participant_id;
        let changed = match message.message_type.as_str() {
            event::ENABLED => {
                let listed = read::<MessagingEnabled>(message.message);
                let listed = listed.map(|listed| listed.participants).unwrap_or_default();
                let listed = listed.into_iter().filter_map(participant);
                self.others = listed.map(|other| (other.id.clone(), other)).collect();
                return Event::Listed;
            }
            event::PARTICIPANT_ENABLED => {
                let came = read::<ParticipantInfo>(message.message).and_then(participant);
                came.inspect(|came| {
                    self.others.insert(came.id.clone(), came.clone());
                })
                .map(PresenceChange::Here)
            }
            event::PARTICIPANT_DISABLED => read::<ParticipantGone>(message.message)
                .and_then(|gone| self.others.remove(&ParticipantId::new(gone.id).ok()?))
                .map(PresenceChange::Gone),
            event::PARTICIPANT_ATTRIBUTES => self.attributes(from, message.message).map(PresenceChange::Here),
            _ => None,
        };
        changed.map_or(Event::Nothing, Event::Changed)
    }

    fn attributes(&mut self, from: String, message: Header) -> Option<RoomParticipant> {
        let said = read::<ParticipantAttributes>(message)?;
        let other = self.others.get_mut(&ParticipantId::new(from).ok()?)?;
        other.attributes = said.attributes;
        Some(other.clone())
    }
}

fn read<T: DeserializeOwned>(message: Header) -> Option<T> {
    serde_json::from_value(Value::Object(message)).ok()
}

fn participant(info: ParticipantInfo) -> Option<RoomParticipant> {
    Some(RoomParticipant {
        id: ParticipantId::new(info.id).ok()?,
        role: info.role,
        attributes: info.attributes,
    })
}
