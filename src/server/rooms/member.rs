//! A participant, as others in its room deal with it.

use super::outbox::Outbox;
use super::pending::PendingRequests;
use super::relay::Relay;
use crate::wire::room::Accepts;
use crate::wire::{Identity, ParticipantId};

/// A participant of a room: the part that other participants reach.
#[derive(Debug)]
pub(in crate::server) struct Member {
    pub(in crate::server) id: ParticipantId,
    pub(in crate::server) identity: Identity,
    /// What its client takes beside the messages of the SDKs.
    pub(in crate::server) accepts: Accepts,
    /// Whether its token lets it answer requests: the tools that do are those of the `secrets` toolkit.
    pub(in crate::server) may_answer: bool,
    pub(in crate::server) outbox: Outbox,
    pub(in crate::server) pending: PendingRequests,
    /// Messages of others, and calls of the toolkits that it hosts.
    pub(in crate::server) relay: Relay,
}
