//! Presence: messaging enabled and disabled, and participants' attributes (protocol, "Presence"). Every change
//! is made and pushed under the lock of the rooms, so that all participants are told of changes in their order.

use std::sync::Arc;

use super::outbox::Change;
use super::{Room, Rooms};
use crate::wire::messaging::{NAME, ParticipantInfo};
use crate::wire::{Header, ParticipantId, RoomName};

/// Largest attributes of a participant, in bytes of JSON. A change that would make them larger is ignored.
const MAX_ATTRIBUTES_BYTES: usize = 4 << 10;

impl Rooms {
    /// Makes a participant visible to the others, and tells it which of them are visible.
    pub(in crate::server) fn enable_messaging(&self, room: &RoomName, id: &ParticipantId) {
        let mut open = self.lock();
        let Some(room) = open.get_mut(room) else { return };
        let Some(occupant) = room.occupants.get_mut(id) else {
            return;
        };
        let was_visible = std::mem::replace(&mut occupant.visible, true);
        let info = Arc::clone(&occupant.info);
        room.list_to(id);
        if !was_visible {
            room.tell_others(id, &Change::Appeared(info));
        }
    }

    /// Makes a participant invisible to the others.
    pub(in crate::server) fn disable_messaging(&self, room: &RoomName, id: &ParticipantId) {
        let mut open = self.lock();
        let Some(room) = open.get_mut(room) else { return };
        let Some(occupant) = room.occupants.get_mut(id) else {
            return;
        };
        if std::mem::replace(&mut occupant.visible, false) {
            room.tell_others(id, &Change::Disappeared);
        }
    }

    /// Merges `changes` into a participant's attributes. Its name stays: the token decides it.
    pub(in crate::server) fn set_attributes(&self, room: &RoomName, id: &ParticipantId, changes: Header) {
        let mut open = self.lock();
        let Some(room) = open.get_mut(room) else { return };
        let Some(occupant) = room.occupants.get_mut(id) else {
            return;
        };
        let mut attributes = occupant.info.attributes.clone();
        attributes.extend(changes.into_iter().filter(|(name, _)| name != NAME));
        let size = serde_json::to_vec(&attributes).map_or(usize::MAX, |json| json.len());
        if size > MAX_ATTRIBUTES_BYTES {
            tracing::debug!(participant = %id, size, "attributes are too large and were not taken");
            return;
        }
        occupant.info = Arc::new(ParticipantInfo {
            attributes,
            ..ParticipantInfo::clone(&occupant.info)
        });
        if occupant.visible {
            let info = Arc::clone(&occupant.info);
            room.tell_others(id, &Change::AttributesChanged(info));
        }
    }
}

impl Room {
    /// Tells a participant which others are visible.
    fn list_to(&self, id: &ParticipantId) {
        let Some(occupant) = self.occupants.get(id) else {
            return;
        };
        let others = self.occupants.iter().filter(|(other, _)| *other != id);
        let visible = others
            .filter(|(_, other)| other.visible && occupant.may_list)
            .map(|(other, occupant)| (other.clone(), Arc::clone(&occupant.info)));
        occupant.member.outbox.list(id, visible);
    }

    /// Tells the visible others what happened to a participant.
    fn tell_others(&self, about: &ParticipantId, change: &Change) {
        let others = self.occupants.iter().filter(|(other, _)| *other != about);
        for (_, other) in others.filter(|(_, other)| other.visible && other.may_list) {
            other.member.outbox.tell(about, change.clone());
        }
    }
}
