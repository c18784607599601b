//! The toolkits that participants host (protocol, "Toolkits of participants"). A toolkit is registered until its host
//! ends the registration or leaves.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Member, Room, Rooms};
use crate::wire::toolkits::{ListToolkits, RegisterToolkit};
use crate::wire::{ParticipantId, RoomName};

/// Most toolkits of one participant.
pub(in crate::server) const MAX_TOOLKITS: usize = 32;

/// Most toolkits of one room.
pub(in crate::server) const MAX_ROOM_TOOLKITS: usize = 1024;

/// A toolkit, and who hosts it.
#[derive(Debug)]
pub(super) struct HostedToolkit {
    id: String,
    host: ParticipantId,
    toolkit: RegisterToolkit,
}

/// Why a toolkit cannot be registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::server) enum RegistrationError {
    /// The participant hosts a toolkit of that name already.
    Exists,
    /// The participant has as many toolkits as it may have.
    TooMany,
    /// The room has as many toolkits as it may have.
    TooManyInRoom,
    /// The participant has left.
    Left,
}

/// The host of a toolkit that is called.
#[derive(Debug)]
pub(in crate::server) enum Host {
    /// Nobody hosts it.
    None,
    /// This participant.
    Found(Arc<Member>),
    /// Several do, and the call does not say which.
    Several,
}

impl Room {
    /// Ends all registrations of a participant that leaves.
    pub(super) fn forget_toolkits(&mut self, host: &ParticipantId) {
        self.toolkits.retain(|toolkit| toolkit.host != *host);
    }
}

impl Rooms {
    /// Registers a toolkit of a participant, and returns the id of the registration.
    pub(in crate::server) fn register_toolkit(
        &self,
        room: &RoomName,
        host: &ParticipantId,
        toolkit: RegisterToolkit,
    ) -> Result<String, RegistrationError> {
        let mut open = self.lock();
        let room = open.get_mut(room).ok_or(RegistrationError::Left)?;
        if !room.occupants.contains_key(host) {
            return Err(RegistrationError::Left);
        }
        let own = room.toolkits.iter().filter(|other| other.host == *host);
        if own.clone().any(|other| other.toolkit.name == toolkit.name) {
            return Err(RegistrationError::Exists);
        }
        if own.count() >= MAX_TOOLKITS {
            return Err(RegistrationError::TooMany);
        }
        if room.toolkits.len() >= MAX_ROOM_TOOLKITS {
            return Err(RegistrationError::TooManyInRoom);
        }
        let id = Uuid::new_v4().to_string();
        room.toolkits.push(HostedToolkit {
            id: id.clone(),
            host: host.clone(),
            toolkit,
        });
        Ok(id)
    }

    /// Ends a registration of the participant. False if it has none of that id.
    pub(in crate::server) fn unregister_toolkit(
        &self,
        room: &RoomName,
        host: &ParticipantId,
        id: &str,
    ) -> bool {
        let mut open = self.lock();
        let Some(room) = open.get_mut(room) else {
            return false;
        };
        let before = room.toolkits.len();
        room.toolkits
            .retain(|toolkit| !(toolkit.host == *host && toolkit.id == id));
        room.toolkits.len() < before
    }

    /// The toolkits that `viewer` sees, by name: the public ones, and its own. Of several of one name it is that which
    /// was registered first.
    pub(in crate::server) fn toolkits(
        &self,
        room: &RoomName,
        viewer: &ParticipantId,
        wanted: &ListToolkits,
    ) -> Map<String, Value> {
        let open = self.lock();
        let mut listed = Map::new();
        let Some(room) = open.get(room) else {
            return listed;
        };
        for HostedToolkit { host, toolkit, .. } in &room.toolkits {
            let is_seen = toolkit.public.unwrap_or_default() || host == viewer;
            let is_of = |id: &str| host.as_str() == id;
            let is_named = |name: &str| {
                let occupant = room.occupants.get(host);
                occupant.is_some_and(|occupant| occupant.member.identity.as_str() == name)
            };
            if is_seen
                && wanted.participant_id.as_deref().is_none_or(is_of)
                && wanted.participant_name.as_deref().is_none_or(is_named)
                && !listed.contains_key(&toolkit.name)
            {
                let shown = json!({
                    "title": toolkit.title,
                    "description": toolkit.description,
                    "participant_id": host,
                    "annotations": toolkit.annotations,
                    "thumbnail_url": toolkit.thumbnail_url,
                    "tools": toolkit.tools.clone().unwrap_or_else(|| json!({})),
                });
                listed.insert(toolkit.name.clone(), shown);
            }
        }
        listed
    }

    /// The host of the toolkit of that name: `participant`, if it is named.
    pub(in crate::server) fn toolkit_host(
        &self,
        room: &RoomName,
        name: &str,
        participant: Option<&str>,
    ) -> Host {
        let open = self.lock();
        let Some(room) = open.get(room) else {
            return Host::None;
        };
        let hosted = room.toolkits.iter().filter(|hosted| {
            hosted.toolkit.name == name && participant.is_none_or(|id| hosted.host.as_str() == id)
        });
        let mut hosts = hosted.filter_map(|hosted| room.occupants.get(&hosted.host));
        match (hosts.next(), hosts.next()) {
            (None, _) => Host::None,
            (Some(host), None) => Host::Found(Arc::clone(&host.member)),
            (Some(_), Some(_)) => Host::Several,
        }
    }

    /// The participants, beside `sender`, that enabled messaging.
    pub(in crate::server) fn audience(&self, room: &RoomName, sender: &ParticipantId) -> Vec<Arc<Member>> {
        let open = self.lock();
        let Some(room) = open.get(room) else {
            return Vec::new();
        };
        let others = room.occupants.iter().filter(|(id, _)| *id != sender);
        others
            .filter(|(_, occupant)| occupant.visible)
            .map(|(_, occupant)| Arc::clone(&occupant.member))
            .collect()
    }
}
