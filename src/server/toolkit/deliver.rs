//! Delivers what a participant provided to a requester that may be slow to read it.

use sha2::{Digest as _, Sha256};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::yield_now;

use super::CallError;
use crate::sensitive::SecretValue;
use crate::server::participant::Participant;
use crate::server::store::SecretKey;
use crate::wire::ErrorCode;

/// Bytes that are hashed before other tasks of the thread may run.
const HASH_STEP_BYTES: usize = 1 << 20;

/// The value that was provided and stored under `key`, once the requester's response budget has room for it.
/// A value that has to wait for that is dropped from memory, and is read from the store afterwards.
pub(super) async fn deliver(
    requester: &Participant,
    value: SecretValue,
    key: SecretKey,
) -> Result<(SecretValue, Option<OwnedSemaphorePermit>), CallError> {
    let (budget, bytes) = (&requester.response_budget, value.expose().len());
    if let Some(permit) = budget.try_take(bytes) {
        return Ok((value, Some(permit)));
    }
    let provided = fingerprint(&value).await;
    drop(value);
    let failed = |text| CallError::new(ErrorCode::OperationFailed, text);
    let permit = tokio::select! {
        permit = budget.take(bytes) => permit,
        () = requester.disconnected.cancelled() => {
            return Err(failed("the server is stopping; the answer is kept"));
        }
    };
    // A value that was stored for another request since is not this requester's to have.
    match requester.store.read(key).await? {
        Some((_, value)) if fingerprint(&value).await == provided => Ok((value, permit)),
        _ => Err(failed(
            "the participant's answer was deleted or replaced before it was taken; ask again",
        )),
    }
}

/// A hash that is compared instead of the value.
async fn fingerprint(value: &SecretValue) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in value.expose().chunks(HASH_STEP_BYTES) {
        hash.update(part);
        yield_now().await;
    }
    hash.finalize().into()
}
