//! A participant, as others in its room deal with it.

use super::outbox::Outbox;
use super::pending::Pending;
use crate::wire::{Identity, ParticipantId};

/// A participant of a room, as far as others have to do with it.
#[derive(Debug)]
pub(in crate::server) struct Member {
    pub(in crate::server) id: ParticipantId,
    pub(in crate::server) identity: Identity,
    pub(in crate::server) outbox: Outbox,
    pub(in crate::server) pending: Pending,
}
