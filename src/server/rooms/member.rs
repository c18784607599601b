//! A participant, as others in its room deal with it.

use super::outbox::Outbox;
use super::pending::PendingRequests;
use crate::wire::{Identity, ParticipantId};

/// A participant of a room: the part that other participants reach.
#[derive(Debug)]
pub(in crate::server) struct Member {
    pub(in crate::server) id: ParticipantId,
    pub(in crate::server) identity: Identity,
    pub(in crate::server) outbox: Outbox,
    pub(in crate::server) pending: PendingRequests,
}
