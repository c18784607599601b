//! The rooms that have participants, and those participants. A room exists from the first participant that
//! enters it until the last one leaves. Below `state`, above `store`.

mod ask;
mod member;
mod outbox;
mod pending;
mod presence;
mod relay;
mod stream;
mod toolkits;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::json;
use uuid::Uuid;

pub(in crate::server) use self::ask::{NewRequest, ask};
pub(in crate::server) use self::member::Member;
use self::outbox::Outbox;
use self::pending::PendingRequests;
pub(in crate::server) use self::pending::{PendingRequest, Reply, RequestError};
pub(in crate::server) use self::relay::{HostedResponse, Relay, RelayError};
pub(in crate::server) use self::stream::StreamCall;
use self::toolkits::HostedToolkit;
pub(in crate::server) use self::toolkits::{Host, MAX_ROOM_TOOLKITS, MAX_TOOLKITS, RegistrationError};
use super::caller::Caller;
use super::config::Limits;
use crate::wire::messaging::{NAME, ParticipantInfo};
use crate::wire::room::Accepts;
use crate::wire::{Header, ParticipantId, RoomName};

/// The rooms that have participants, by name.
#[derive(Debug, Clone, Default)]
pub(in crate::server) struct Rooms {
    open: Arc<Mutex<HashMap<RoomName, Room>>>,
}

#[derive(Debug)]
struct Room {
    session_id: String,
    /// Ids grow with time, so this is the order in which the participants came.
    occupants: BTreeMap<ParticipantId, Occupant>,
    /// In the order of their registration.
    toolkits: Vec<HostedToolkit>,
}

/// A participant, and how others see it.
#[derive(Debug)]
struct Occupant {
    member: Arc<Member>,
    /// What others are told about it.
    info: Arc<ParticipantInfo>,
    /// Whether its token lets it see the others.
    may_list: bool,
    /// Whether it has messaging enabled, so that others see it.
    visible: bool,
}

/// How many rooms, participants and requests there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::server) struct Occupancy {
    pub(in crate::server) rooms: usize,
    pub(in crate::server) participants: usize,
    /// Requests that wait for a participant's reply.
    pub(in crate::server) pending_requests: usize,
}

/// A participant's presence in a room; it leaves when this is dropped.
#[derive(Debug)]
pub(in crate::server) struct Presence {
    rooms: Rooms,
    room: RoomName,
    /// Id of the room's session, which lasts until the room is empty.
    pub(in crate::server) session_id: String,
    /// The participant.
    pub(in crate::server) member: Arc<Member>,
}

impl Rooms {
    /// Enters a room under a new participant id.
    pub(in crate::server) fn enter(
        &self,
        room: RoomName,
        caller: &Caller,
        accepts: Accepts,
        limits: &Limits,
    ) -> Presence {
        let member = Arc::new(Member {
            id: Uuid::now_v7().into(),
            identity: caller.identity.clone(),
            accepts,
            may_answer: caller.api.secrets.is_some(),
            outbox: Outbox::default(),
            pending: PendingRequests::new(limits),
            relay: Relay::default(),
        });
        let mut attributes = Header::new();
        attributes.insert(NAME.to_owned(), json!(caller.identity));
        let role = serde_json::to_value(caller.role).ok();
        let info = ParticipantInfo {
            id: member.id.to_string(),
            role: role
                .and_then(|role| role.as_str().map(str::to_owned))
                .unwrap_or_default(),
            attributes,
        };
        let occupant = Occupant {
            member: Arc::clone(&member),
            info: Arc::new(info),
            may_list: caller.api.messaging.as_ref().is_some_and(|grant| grant.list),
            visible: false,
        };
        let mut open = self.lock();
        let entered = open.entry(room.clone()).or_insert_with(|| Room {
            session_id: Uuid::now_v7().to_string(),
            occupants: BTreeMap::new(),
            toolkits: Vec::new(),
        });
        entered.occupants.insert(member.id.clone(), occupant);
        Presence {
            session_id: entered.session_id.clone(),
            rooms: self.clone(),
            room,
            member,
        }
    }

    /// The participant of this id, if it is in this room.
    pub(in crate::server) fn member(&self, room: &RoomName, id: &ParticipantId) -> Option<Arc<Member>> {
        let open = self.lock();
        let occupant = open.get(room)?.occupants.get(id)?;
        Some(Arc::clone(&occupant.member))
    }

    /// How many rooms, participants and requests there are.
    pub(in crate::server) fn occupancy(&self) -> Occupancy {
        let open = self.lock();
        let rooms = open.len();
        let occupants = open.values().flat_map(|room| room.occupants.values());
        let members: Vec<_> = occupants.map(|occupant| Arc::clone(&occupant.member)).collect();
        // Participants can enter and leave while the requests are counted.
        drop(open);
        Occupancy {
            rooms,
            participants: members.len(),
            pending_requests: members.iter().map(|member| member.pending.len()).sum(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RoomName, Room>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.rooms.disable_messaging(&self.room, &self.member.id);
        let mut open = self.rooms.lock();
        if let Some(room) = open.get_mut(&self.room) {
            room.occupants.remove(&self.member.id);
            room.forget_toolkits(&self.member.id);
            if room.occupants.is_empty() {
                open.remove(&self.room);
            }
        }
        drop(open);
        self.member.pending.close();
        self.member.relay.close();
    }
}

#[cfg(test)]
mod tests;
