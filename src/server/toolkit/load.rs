//! Reading a value for a participant that may be slow to take it.

use tokio::sync::OwnedSemaphorePermit;

use super::CallError;
use crate::sensitive::SecretValue;
use crate::server::participant::{Participant, Place};
use crate::server::store::{Reading, SecretKey, SecretRecord};
use crate::wire::ErrorCode;

/// Room that is taken before a secret's size is known, in bytes: most need no more, and are read at once.
const FIRST_BYTES: usize = 32 << 10;

/// The secret, once there is room in memory for it on its way to the participant. Until then it stays in the
/// store. The room is in `place` afterwards; if there is no such secret, none is.
pub(super) async fn load(
    participant: &Participant,
    key: SecretKey,
    place: &mut Place,
) -> Result<Option<(SecretRecord, SecretValue)>, CallError> {
    let reading = async {
        let mut limit = FIRST_BYTES;
        loop {
            let taken = participant.response_budget.take(limit).await;
            let mut taken: OwnedSemaphorePermit = taken.ok_or_else(gone)?;
            match participant.store.read_up_to(key.clone(), limit).await? {
                Some(Reading::Whole(record, value)) => {
                    participant
                        .response_budget
                        .shrink(&mut taken, value.expose().len());
                    place.room = Some(taken);
                    return Ok(Some((record, value)));
                }
                // It may have grown once more by then.
                Some(Reading::Larger(bytes)) => limit = bytes,
                None => return Ok(None),
            }
        }
    };
    // What nobody is going to hear is not read.
    tokio::select! {
        biased;
        read = reading => read,
        () = participant.output_closed() => Err(gone()),
    }
}

fn gone() -> CallError {
    CallError::new(ErrorCode::OperationFailed, "the participant is gone")
}
