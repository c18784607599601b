//! Who had access to a secret (protocol, "Who had access to a secret").

use super::CallError;
use super::answer::Answer;
use super::input::secret_id;
use crate::server::audit::Access;
use crate::server::participant::Participant;
use crate::server::store::{AccessQuery, RecordedEntry, SecretKey};
use crate::wire::secrets::audit::{AuditSecret, MAX_PAGE_ACCESSES, SecretAccess, SecretAccesses};
use crate::wire::{Content, ErrorCode};

/// Most bytes of an access in the answer: names of 255 bytes, of which JSON may escape each byte.
const ACCESS_BYTES: usize = 3 << 10;

/// `audit_secret`: what the log says of the caller's own secrets of that id. To all others it says the same as of a
/// secret that there never was: nothing.
pub(super) async fn accesses(
    participant: &Participant,
    access: &Access,
    input: AuditSecret,
) -> Result<Answer, CallError> {
    let invalid = |text: &str| CallError::new(ErrorCode::InvalidRequest, text);
    let limit = match input.limit {
        Some(0) => return Err(invalid("`limit` is at least 1")),
        limit => limit.map_or(MAX_PAGE_ACCESSES, |limit| {
            usize::try_from(limit).map_or(MAX_PAGE_ACCESSES, |limit| limit.min(MAX_PAGE_ACCESSES))
        }),
    };
    let before = match input.after.map(|after| after.parse()) {
        None => None,
        Some(Ok(before)) => Some(before),
        Some(Err(_)) => return Err(invalid("`after` is not the `next` of a page")),
    };
    let query = AccessQuery {
        room: participant.room.clone(),
        owner: participant.caller.identity.clone(),
        id: secret_id(input.secret_id)?,
        before,
        limit,
    };
    access.about(&SecretKey {
        room: query.room.clone(),
        owner: query.owner.clone(),
        delegated_to: None,
        id: query.id.clone(),
    });
    let mut budget = participant
        .response_budget
        .take(limit.saturating_mul(ACCESS_BYTES))
        .await?;
    let found = participant.store.accesses(query).await?;
    access.shows(found.entries.len());
    let page = SecretAccesses {
        accesses: found.entries.into_iter().map(shown).collect(),
        next: found.next.map(|next| next.to_string()),
    };
    budget.shrink(page.accesses.len().saturating_mul(ACCESS_BYTES));
    Ok(Answer {
        content: Content::json(&page)?,
        budget: Some(budget),
    })
}

/// An entry as the owner sees it: where others come from and which tokens they use is the operator's to know.
fn shown(recorded: RecordedEntry) -> SecretAccess {
    let entry = recorded.entry;
    SecretAccess {
        at: entry.at,
        identity: entry.actor.identity.clone(),
        participant_id: entry.actor.participant_id.clone(),
        operation: entry.operation.into_owned(),
        outcome: entry.outcome.as_str().to_owned(),
        delegated_to: entry.delegate,
    }
}
