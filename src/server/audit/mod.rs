//! The audit log as the server keeps it: [`access`] notes what a call has to do with secrets, and [`log`] records it
//! before the call is answered. Below `oauth` and `keys`, above `store`, which has the chain.

mod access;
mod log;

pub(super) use self::access::Access;
pub(super) use self::log::{AuditLog, Unrecorded};
use super::caller::Caller;
use super::store::{Actor, shorten};
use crate::wire::ParticipantId;

/// The participant `caller`, as the log names it.
pub(super) fn actor(caller: &Caller, participant: &ParticipantId, peer: Option<&str>) -> Actor {
    Actor {
        identity: Some(caller.identity.to_string()),
        participant_id: Some(participant.to_string()),
        // Whoever has the API key chooses it.
        token_id: caller.token.token_id.as_deref().map(shorten),
        api_key_id: Some(caller.token.api_key_id.to_string()),
        peer: peer.map(str::to_owned),
    }
}
