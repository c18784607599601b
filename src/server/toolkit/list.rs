//! Lists of secrets, in pages (protocol, "Lists").

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::task::{spawn_blocking, yield_now};

use super::CallError;
use super::answer::Answer;
use super::load::disconnected;
use crate::server::audit::Access;
use crate::server::participant::Participant;
use crate::server::store::{DelegatedTo, Found, ListPosition, SecretQuery, StoredSecret};
use crate::wire::secrets::{ListSecrets, MAX_PAGE_SECRETS, SecretInfo, SecretList};
use crate::wire::{Content, ErrorCode, Identity, MAX_ANSWER_HEADER_BYTES, SecretId};

/// Bytes that are kept for what is around the list in the answer.
const ENVELOPE_BYTES: usize = 4 << 10;

/// Most bytes of a row: five names of 255 bytes, of which JSON may escape each byte.
const ROW_BYTES: usize = 3 << 10;

/// Rows that are added to a list before other tasks of the thread may run.
const STEP_ROWS: usize = 128;

/// `list_secrets`, once there is memory for the answer.
pub(super) async fn list(
    participant: &Participant,
    access: &Access,
    input: ListSecrets,
) -> Result<Answer, CallError> {
    let invalid = |text: String| CallError::new(ErrorCode::InvalidRequest, text);
    let limit = match input.limit {
        Some(0) => return Err(invalid("`limit` is at least 1".to_owned())),
        Some(limit) => {
            Some(usize::try_from(limit).map_or(MAX_PAGE_SECRETS, |limit| limit.min(MAX_PAGE_SECRETS)))
        }
        None => None,
    };
    let after = match input.after.map(|after| parse_cursor(&after)) {
        None => None,
        Some(Some(after)) => Some(after),
        Some(None) => return Err(invalid("`after` is not the `next` of a page".to_owned())),
    };
    let caller = &participant.caller.identity;
    let query = SecretQuery {
        prefix: input.prefix.unwrap_or_default(),
        after,
        limit: Some(limit.unwrap_or(MAX_PAGE_SECRETS)),
        ..SecretQuery::new(participant.room.clone(), caller.clone(), DelegatedTo::Anyone)
    };
    let most = limit.map_or(MAX_ANSWER_HEADER_BYTES, |limit| {
        limit
            .saturating_mul(ROW_BYTES)
            .saturating_add(ENVELOPE_BYTES)
            .min(MAX_ANSWER_HEADER_BYTES)
    });
    // A list that can no longer be written is not made.
    tokio::select! {
        biased;
        made = make(participant, access, query, limit, most) => made,
        () = participant.output_closed.cancelled() => Err(disconnected()),
    }
}

/// Makes the list, of at most `limit` secrets, once there is memory for an answer of `most` bytes.
async fn make(
    participant: &Participant,
    access: &Access,
    mut query: SecretQuery,
    limit: Option<usize>,
    most: usize,
) -> Result<Answer, CallError> {
    let caller = &participant.caller.identity;
    let budget = participant.response_budget.take(most).await?;
    let mut list = SecretList {
        secrets: Vec::new(),
        next: None,
    };
    let mut bytes = ENVELOPE_BYTES;
    loop {
        let found = participant.store.find(query.clone()).await?;
        let more = found.more;
        query.after = last(&found);
        for (number, secret) in found.whole()?.into_iter().enumerate() {
            if number % STEP_ROWS == STEP_ROWS - 1 {
                yield_now().await;
            }
            let row = info(secret, caller);
            bytes = bytes.saturating_add(serde_json::to_vec(&row).map_or(0, |row| row.len() + 1));
            if bytes > MAX_ANSWER_HEADER_BYTES {
                return Err(too_long());
            }
            list.secrets.push(row);
        }
        if !more {
            break;
        }
        if limit.is_some() {
            list.next = query.after.as_ref().map(cursor);
            break;
        }
    }
    access.shows(list.secrets.len());
    // A long list takes milliseconds, in which other participants' calls would wait.
    let content = if list.secrets.len() > STEP_ROWS {
        let encoded = spawn_blocking(move || Content::json(&list)).await;
        encoded.map_err(|_| CallError::new(ErrorCode::OperationFailed, "the list could not be made"))??
    } else {
        Content::json(&list)?
    };
    Ok(Answer {
        content,
        budget: Some(budget),
    })
}

fn last(found: &Found) -> Option<ListPosition> {
    found.secrets.last().map(|secret| secret.record.key.position())
}

/// A row of a list that `caller` reads.
fn info(secret: StoredSecret, caller: &Identity) -> SecretInfo {
    let StoredSecret {
        record,
        version,
        written_at,
    } = secret;
    SecretInfo {
        id: record.key.id.into(),
        secret_type: record.secret_type,
        name: record.name,
        delegated_to: record.key.delegated_to.map(Into::into),
        owner: (record.key.owner != *caller).then(|| record.key.owner.into()),
        updated_at: written_at,
        version: Some(version),
    }
}

fn too_long() -> CallError {
    CallError::new(
        ErrorCode::OperationFailed,
        format!(
            "the list is longer than an answer ({} MiB): read it in pages with `limit`, or a part of it with `prefix`",
            MAX_ANSWER_HEADER_BYTES >> 20
        ),
    )
}

/// The cursor for what comes after `position`: its members, which have no control characters, in lines.
fn cursor(position: &ListPosition) -> String {
    let ListPosition {
        id,
        owner,
        delegated_to,
    } = position;
    let delegate = delegated_to.as_ref().map_or("", Identity::as_str);
    URL_SAFE_NO_PAD.encode(format!("{id}\n{owner}\n{delegate}"))
}

fn parse_cursor(cursor: &str) -> Option<ListPosition> {
    let lines = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let mut lines = lines.split('\n');
    let position = ListPosition {
        id: SecretId::new(lines.next()?).ok()?,
        owner: Identity::new(lines.next()?).ok()?,
        delegated_to: match lines.next()? {
            "" => None,
            delegate => Some(Identity::new(delegate).ok()?),
        },
    };
    lines.next().is_none().then_some(position)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_names_a_place_exactly() {
        let name = |text: &str| Identity::new(text).unwrap();
        for delegated_to in [None, Some(name("bob"))] {
            let position = ListPosition {
                id: SecretId::new("a/ü \"'").unwrap(),
                owner: name("älice"),
                delegated_to,
            };
            assert_eq!(parse_cursor(&cursor(&position)), Some(position));
        }
    }

    #[test]
    fn other_text_is_no_cursor() {
        for text in ["", "a", "a\nb", "a\nb\nc\nd", "\nb\n", "a\n\n", "a\u{1}\nb\n"] {
            assert_eq!(parse_cursor(&URL_SAFE_NO_PAD.encode(text)), None, "{text:?}");
        }
        assert_eq!(parse_cursor("a\nb\n"), None);
        assert_eq!(parse_cursor("////"), None);
    }
}
