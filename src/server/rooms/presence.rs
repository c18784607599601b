//! Who sees whom: messaging enabled and disabled, and what participants say of themselves (protocol,
//! "Presence"). All of it happens under the lock of the rooms, so that everybody hears how things are now
//! and not how they were before.

use std::sync::Arc;

use super::outbox::Change;
use super::{Room, Rooms};
use crate::wire::messaging::{NAME, ParticipantInfo};
use crate::wire::{Header, ParticipantId, RoomName};

/// Most that a participant says of itself, in bytes of JSON. What would make it more is not taken.
const MAX_ATTRIBUTES_BYTES: usize = 4 << 10;

impl Rooms {
    /// Makes a participant visible: it hears who else is, and they hear of it.
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
            room.tell_others(id, &Change::Came(info));
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
            room.tell_others(id, &Change::Left);
        }
    }

    /// Takes what a participant says of itself. Its name is not its to say.
    pub(in crate::server) fn set_attributes(&self, room: &RoomName, id: &ParticipantId, said: Header) {
        let mut open = self.lock();
        let Some(room) = open.get_mut(room) else { return };
        let Some(occupant) = room.occupants.get_mut(id) else {
            return;
        };
        let mut attributes = occupant.info.attributes.clone();
        attributes.extend(said.into_iter().filter(|(name, _)| name != NAME));
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
            room.tell_others(id, &Change::Says(info));
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
        let visible = others
            .filter(|(_, other)| other.visible && occupant.may_list)
            .map(|(other, occupant)| (other.clone(), Arc::clone(&occupant.info)));
        occupant.member.outbox.list(id, visible);
    }

    /// Tells the others who are visible what happened to a participant.
    fn tell_others(&self, about: &ParticipantId, change: &Change) {
        let others = self.occupants.iter().filter(|(other, _)| *other != about);
        for (_, other) in others.filter(|(_, other)| other.visible && other.may_list) {
            other.member.outbox.tell(about, change.clone());
        }
    }
}
