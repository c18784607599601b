//! Loads a value for a participant that may be slow to read it.

use super::CallError;
use crate::sensitive::SecretValue;
use crate::server::participant::Participant;
use crate::server::response_budget::ResponsePermit;
use crate::server::store::{BoundedRead, SecretKey, SecretRecord};
use crate::wire::ErrorCode;

/// Budget that is taken before a secret's size is known, in bytes: most secrets need no more to be read.
const FIRST_BYTES: usize = 64 << 10;

/// A secret that was loaded, with the share of the response budget that its value takes.
pub(super) struct Loaded {
    pub(super) record: SecretRecord,
    pub(super) value: SecretValue,
    pub(super) budget: ResponsePermit,
}

/// Loads the secret once the participant's response budget has room for it; until then it stays in the store.
/// None if there is no such secret.
pub(super) async fn load(participant: &Participant, key: SecretKey) -> Result<Option<Loaded>, CallError> {
    let loading = async {
        let mut limit = FIRST_BYTES;
        loop {
            let mut budget = participant.response_budget.take(limit).await?;
            match participant.store.read_up_to(key.clone(), limit).await? {
                Some(BoundedRead::Whole(record, value)) => {
                    budget.shrink(value.expose().len());
                    return Ok(Some(Loaded {
                        record,
                        value,
                        budget,
                    }));
                }
                // It may have grown once more by the time that the budget has room for it.
                Some(BoundedRead::Larger(bytes)) => limit = bytes,
                None => return Ok(None),
            }
        }
    };
    // A value that can no longer be written is not read.
    tokio::select! {
        biased;
        loaded = loading => loaded,
        () = participant.output_closed.cancelled() => Err(disconnected()),
    }
}

/// The error of a call whose participant cannot be answered any more.
pub(super) fn disconnected() -> CallError {
    CallError::new(ErrorCode::OperationFailed, "the participant is gone")
}
