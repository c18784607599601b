//! The rooms that somebody is in. A room needs no making: it is there while somebody is in it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

use crate::wire::RoomName;

/// The rooms that somebody is in, by name.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    open: Arc<Mutex<HashMap<RoomName, Room>>>,
}

#[derive(Debug)]
struct Room {
    session_id: String,
    participants: usize,
}

/// A participant's presence in a room; it leaves when this is dropped.
#[derive(Debug)]
pub(super) struct Presence {
    open: Arc<Mutex<HashMap<RoomName, Room>>>,
    room: RoomName,
    /// Id of the room's session: the time since it was last empty.
    pub(super) session_id: String,
    /// Id of this connection.
    pub(super) participant_id: String,
}

impl Rooms {
    /// Enters a room.
    pub(super) fn enter(&self, room: RoomName) -> Presence {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let entered = open.entry(room.clone()).or_insert_with(|| Room {
            session_id: Uuid::now_v7().to_string(),
            participants: 0,
        });
        entered.participants = entered.participants.saturating_add(1);
        Presence {
            session_id: entered.session_id.clone(),
            participant_id: Uuid::now_v7().to_string(),
            open: Arc::clone(&self.open),
            room,
        }
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(room) = open.get_mut(&self.room) {
            room.participants = room.participants.saturating_sub(1);
            if room.participants == 0 {
                open.remove(&self.room);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_lasts_until_the_room_is_empty() {
        let rooms = Rooms::default();
        let room = RoomName::new("r").unwrap();
        let first = rooms.enter(room.clone());
        let second = rooms.enter(room.clone());
        assert_eq!(first.session_id, second.session_id);
        assert_ne!(first.participant_id, second.participant_id);
        let session = first.session_id.clone();
        drop((first, second));
        assert_ne!(rooms.enter(room).session_id, session);
    }
}
