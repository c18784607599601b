//! The other participants of the room (protocol, "Presence").

use std::collections::BTreeMap;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::timeout;

use super::{RoomClient, RoomError, Subscription};
use crate::wire::messaging::{
    MessagingEnabled, NAME, ParticipantAttributes, ParticipantDisabled, ParticipantInfo, RoomMessage, SEND,
    TOOLKIT, event, tool,
};
use crate::wire::{Content, Header, Message, ParticipantId};

/// Longest time between the response that enables messaging and the list of participants.
const LIST_TIME: Duration = Duration::from_secs(10);

/// Another participant of the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomParticipant {
    /// Its id, which is unique to its connection.
    pub id: ParticipantId,
    /// `user`, `agent` or `tool`; other servers may send other words, or none.
    pub role: String,
    /// Its attributes. `name` is its identity.
    pub attributes: Header,
}

impl RoomParticipant {
    /// Its identity; none if the server does not send it. Several participants may have the same.
    pub fn name(&self) -> Option<&str> {
        self.attributes.get(NAME).and_then(Value::as_str)
    }
}

/// A change among the participants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PresenceChange {
    /// A participant enabled messaging, or its attributes have changed.
    Present(RoomParticipant),
    /// A participant disabled messaging, or left the room.
    Left(RoomParticipant),
}

/// The other participants that have messaging enabled, kept current by [`Participants::changed`].
#[derive(Debug)]
pub struct Participants {
    others: BTreeMap<ParticipantId, RoomParticipant>,
    pushed: Subscription,
}

impl RoomClient {
    /// Enables messaging, and waits for the list of the others. From then on the others see this participant,
    /// until the connection ends or [`RoomClient::leave_participants`] is called.
    ///
    /// # Errors
    /// [`RoomError::Call`] of code 1001 without the `messaging` grant, and of code 1003 from a server without the
    /// toolkit; [`RoomError::NoParticipantList`] if the list does not come within 10 s of the response; why the
    /// connection ended.
    pub async fn participants(&self) -> Result<Participants, RoomError> {
        let pushed = self.subscribe();
        let input = Content::Json(Header::new());
        self.invoke(TOOLKIT, tool::ENABLE, input).await?;
        let others = BTreeMap::new();
        let mut participants = Participants { others, pushed };
        participants.listed().await?;
        Ok(participants)
    }

    /// Disables messaging: the others no longer see this participant.
    ///
    /// # Errors
    /// As [`RoomClient::participants`].
    pub async fn leave_participants(&self) -> Result<(), RoomError> {
        let input = Content::Json(Header::new());
        self.invoke(TOOLKIT, tool::DISABLE, input).await.map(drop)
    }
}

/// What a message means for the list of participants.
enum Event {
    Nothing,
    Listed,
    Changed(PresenceChange),
}

impl Participants {
    /// Waits for the list of the others, for at most [`LIST_TIME`].
    async fn listed(&mut self) -> Result<(), RoomError> {
        let listed = async {
            loop {
                let message = self.pushed.next().await?;
                if let Event::Listed = self.apply(message) {
                    return Ok(());
                }
            }
        };
        let listed = timeout(LIST_TIME, listed).await;
        listed.unwrap_or(Err(RoomError::NoParticipantList))
    }

    /// All participants, ordered by id.
    pub fn all(&self) -> impl Iterator<Item = &RoomParticipant> {
        self.others.values()
    }

    /// The participants of this identity.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a RoomParticipant> {
        self.all()
            .filter(move |participant| participant.name() == Some(name))
    }

    /// The participant with this id.
    pub fn get(&self, id: &ParticipantId) -> Option<&RoomParticipant> {
        self.others.get(id)
    }

    /// Waits for the next change and applies it. Cancel safe: when the future is dropped, no change is lost.
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

    /// Applies a message. A message that cannot be read is ignored, because calls still work.
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
                let present = read::<ParticipantInfo>(message.message).and_then(participant);
                present
                    .inspect(|present| {
                        self.others.insert(present.id.clone(), present.clone());
                    })
                    .map(PresenceChange::Present)
            }
            event::PARTICIPANT_DISABLED => read::<ParticipantDisabled>(message.message)
                .and_then(|left| self.others.remove(&ParticipantId::new(left.id).ok()?))
                .map(PresenceChange::Left),
            event::PARTICIPANT_ATTRIBUTES => self
                .attributes(from, message.message)
                .map(PresenceChange::Present),
            _ => None,
        };
        changed.map_or(Event::Nothing, Event::Changed)
    }

    fn attributes(&mut self, from: String, message: Header) -> Option<RoomParticipant> {
        let changed = read::<ParticipantAttributes>(message)?;
        let other = self.others.get_mut(&ParticipantId::new(from).ok()?)?;
        other.attributes = changed.attributes;
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::calls::Calls;
    use super::super::subscription::Subscribers;
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_server_that_pushes_no_list_is_not_waited_for() {
        let (subscribers, calls) = (Subscribers::new(), Arc::new(Calls::default()));
        let mut participants = Participants {
            others: BTreeMap::new(),
            pushed: subscribers.subscribe(&calls),
        };
        let listed = participants.listed().await;
        assert_eq!(listed.unwrap_err(), RoomError::NoParticipantList);
    }
}
