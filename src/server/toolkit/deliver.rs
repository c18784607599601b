//! Delivers what a participant provided to a requester that may be slow to read it.

use sha2::{Digest as _, Sha256};
use tokio::task::yield_now;

use super::CallError;
use super::load::{Loaded, load};
use crate::sensitive::SecretValue;
use crate::server::participant::Participant;
use crate::server::response_budget::ResponsePermit;
use crate::server::store::SecretKey;
use crate::wire::ErrorCode;

/// Bytes that are hashed before other tasks of the thread may run.
const HASH_STEP_BYTES: usize = 1 << 20;

/// The value that was provided and stored under `key`, once the requester's response budget has memory for it.
/// A value that has to wait for that is dropped from memory, and is read from the store afterwards.
pub(super) async fn deliver(
    requester: &Participant,
    value: SecretValue,
    key: SecretKey,
) -> Result<(SecretValue, Option<ResponsePermit>), CallError> {
    if let Some(permit) = requester.response_budget.try_take(value.expose().len()) {
        return Ok((value, Some(permit)));
    }
    let provided = fingerprint(&value).await;
    drop(value);
    deliver_stored(requester, provided, key).await
}

/// The value with the SHA-256 `provided` that was stored under `key`, once the requester's response budget has memory for
/// it.
pub(super) async fn deliver_stored(
    requester: &Participant,
    provided: [u8; 32],
    key: SecretKey,
) -> Result<(SecretValue, Option<ResponsePermit>), CallError> {
    let failed = |text| CallError::new(ErrorCode::OperationFailed, text);
    let loaded = tokio::select! {
        loaded = load(requester, key) => loaded?,
        () = requester.disconnected.cancelled() => {
            return Err(failed("the server is stopping; the answer is kept"));
        }
    };
    // A value that was stored for another request since is not this requester's to have.
    match loaded {
        Some(Loaded { value, budget, .. }) if fingerprint(&value).await == provided => {
            Ok((value, Some(budget)))
        }
        _ => Err(failed(
            "the participant's answer was deleted or replaced before it was taken; ask again",
        )),
    }
}

/// A hash that is compared instead of the value.
pub(super) async fn fingerprint(value: &SecretValue) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in value.expose().chunks(HASH_STEP_BYTES) {
        hash.update(part);
        yield_now().await;
    }
    hash.finalize().into()
}
