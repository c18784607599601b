//! Who sees whom: messaging enabled and disabled, and what participants say of themselves (protocol,
//! "Presence"). All of it happens under the lock of the rooms, so that everybody hears of it in the order
//! in which it happened.

use serde::Serialize;
use serde_json::Value;

use super::{Member, Occupant, Room, Rooms};
use crate::sensitive::Sensitive;
use crate::wire::messaging::{
    MessagingEnabled, NAME, ParticipantAttributes, ParticipantGone, ParticipantInfo, RoomMessage, SEND, event,
};
use crate::wire::{Header, Message, ParticipantId, RoomName};

/// Most that a participant says of itself, in bytes of JSON. What would make it more is not taken.
const MAX_ATTRIBUTES_BYTES: usize = 4 << 10;

/// Most participants that one message lists: a message's header has a limit. The rest follow one by one.
const MAX_LISTED: usize = 128;

impl Rooms {
    /// Makes a participant visible: it hears who else is, and they hear of it.
    pub(in crate::server) fn enable_messaging(&self, room: &RoomName, id: &ParticipantId) {
        let mut open = self.lock();
        let Some(room) = open.get_mut(room) else { return };
        let Some(occupant) = room.occupants.get_mut(id) else {
            return;
        };
        let was_visible = std::mem::replace(&mut occupant.visible, true);
        let info = occupant.info();
        room.list_to(id);
        if !was_visible {
            room.tell_others(id, event::PARTICIPANT_ENABLED, &info);
        }
    }

    /// Ends that.
    pub(in crate::server) fn disable_messaging(&self, room: &RoomName, id: &ParticipantId) {
        let mut open = self.lock();
        let Some(room) = open.get_mut(room) else { return };
        let Some(occupant) = room.occupants.get_mut(id) else {
            return;
        };
        if std::mem::replace(&mut occupant.visible, false) {
            let gone = ParticipantGone { id: id.to_string() };
            room.tell_others(id, event::PARTICIPANT_DISABLED, &gone);
        }
    }

    /// Takes what a participant says of itself. Its name is not its to say.
    pub(in crate::server) fn set_attributes(&self, room: &RoomName, id: &ParticipantId, said: Header) {
        let mut open = self.lock();
        let Some(room) = open.get_mut(room) else { return };
        let Some(occupant) = room.occupants.get_mut(id) else {
            return;
        };
        let mut attributes = occupant.attributes.clone();
        attributes.extend(said.into_iter().filter(|(name, _)| name != NAME));
        let size = serde_json::to_vec(&attributes).map_or(usize::MAX, |json| json.len());
        if size > MAX_ATTRIBUTES_BYTES {
            tracing::debug!(participant = %id, size, "attributes are too large and were not taken");
            return;
        }
        occupant.attributes.clone_from(&attributes);
        if occupant.visible {
            room.tell_others(
                id,
                event::PARTICIPANT_ATTRIBUTES,
                &ParticipantAttributes { attributes },
            );
        }
    }
}

impl Occupant {
    fn info(&self) -> ParticipantInfo {
        ParticipantInfo {
            id: self.member.id.to_string(),
            role: serde_json::to_value(self.role)
                .ok()
                .and_then(|role| role.as_str().map(str::to_owned))
                .unwrap_or_default(),
            attributes: self.attributes.clone(),
        }
    }
}

impl Room {
    /// Tells a participant who else is visible.
    fn list_to(&self, id: &ParticipantId) {
        let Some(occupant) = self.occupants.get(id) else {
            return;
        };
        let others = self.occupants.iter().filter(|(other, _)| *other != id);
        let mut visible = others
            .filter(|(_, other)| other.visible && occupant.may_list)
            .map(|(other, occupant)| (other, occupant.info()));
        let listed = visible.by_ref().take(MAX_LISTED).map(|(_, info)| info);
        let enabled = MessagingEnabled {
            participants: listed.collect(),
        };
        push(&occupant.member, id, event::ENABLED, &enabled);
        for (other, info) in visible {
            push(&occupant.member, other, event::PARTICIPANT_ENABLED, &info);
        }
    }

    /// Tells the others who are visible something about a participant.
    fn tell_others(&self, about: &ParticipantId, message_type: &str, message: &impl Serialize) {
        let others = self.occupants.iter().filter(|(other, _)| *other != about);
        for (_, other) in others.filter(|(_, other)| other.visible && other.may_list) {
            push(&other.member, about, message_type, message);
        }
    }
}

fn push(to: &Member, from: &ParticipantId, message_type: &str, message: &impl Serialize) {
    let Ok(Value::Object(message)) = serde_json::to_value(message) else {
        return;
    };
    let header = RoomMessage {
        from_participant_id: from.to_string(),
        message_type: message_type.to_owned(),
        message,
    };
    if let Ok(message) = Message::new(0, SEND, &header, Sensitive::default()) {
        to.outbox.push(message);
    }
}
