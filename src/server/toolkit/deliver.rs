//! Handing on what a participant answered, to one that may be slow to take it.

use sha2::{Digest as _, Sha256};
use tokio::task::yield_now;

use super::CallError;
use super::requests::Requests;
use crate::sensitive::SecretValue;
use crate::server::participant::Place;
use crate::server::store::SecretKey;
use crate::wire::ErrorCode;

/// Bytes between which other work gets its turn.
const TURN_BYTES: usize = 1 << 20;

impl Requests<'_> {
    /// The answer that was provided and stored under `key`, once there is room for it on its way to the
    /// requester. What finds none is let go, and comes out of the store in its turn.
    pub(super) async fn deliver(
        &self,
        value: SecretValue,
        key: SecretKey,
        place: &mut Place,
    ) -> Result<SecretValue, CallError> {
        let (room, bytes) = (&self.participant.response_budget, value.expose().len());
        if let Some(taken) = room.try_take(bytes) {
            *place = Place {
                turn: None,
                room: Some(taken),
            };
            return Ok(value);
        }
        let provided = fingerprint(&value).await;
        drop(value);
        let failed = |text| CallError::new(ErrorCode::OperationFailed, text);
        let taken = tokio::select! {
            taken = room.take(bytes) => taken,
            () = self.participant.disconnected() => return Err(failed("the server is stopping; the answer is kept")),
        };
        *place = Place {
            turn: None,
            room: taken,
        };
        // What was provided since for somebody else's request is not this requester's to have.
        match self.stored(key).await? {
            Some(value) if fingerprint(&value).await == provided => Ok(value),
            _ => Err(failed(
                "the participant's answer was deleted or replaced before it was taken; ask again",
            )),
        }
    }
}

/// Tells values apart.
async fn fingerprint(value: &SecretValue) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in value.expose().chunks(TURN_BYTES) {
        hash.update(part);
        yield_now().await;
    }
    hash.finalize().into()
}
