//! Asking another participant for a secret, and answering (protocol, "Requests").
//!
//! An answer is stored, owned by who provided it and delegated, under an id made from the URL and the
//! type that were asked for. Requests are not merged: each is put to the participant and answered on its
//! own, whoever else asks for the same thing at the same time, and the answer that came last is kept.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use tokio::sync::OwnedSemaphorePermit;

use super::CallError;
use super::input::{delegate, invalid, label, secret_id, too_large};
use crate::sensitive::SecretValue;
use crate::server::pending::{self, Answer, Question, Unanswered};
use crate::server::session::Participant;
use crate::server::store::{DelegatedTo, SecretKey, SecretKind, SecretQuery, SecretRecord};
use crate::wire::secrets::DEFAULT_TYPE;
use crate::wire::secrets::request::{
    DEFAULT_TIMEOUT_SECONDS, DeleteRequestedSecret, MAX_TIMEOUT_SECONDS, MAX_URL_BYTES, ProvideSecret,
    RequestSecret, Requester, SECRET_REQUEST, SecretRequest,
};
use crate::wire::{Content, ErrorCode, NameError, ParticipantId, RequestId, SecretId};

/// How the ids of answers begin. No other secret's id does.
const ANSWER_ID_PREFIX: &str = "requested:";

/// Longest reason for a rejection that is passed on, in characters.
const MAX_REASON_CHARS: usize = 1000;

/// The tools about requests, for one call.
pub(super) struct Requests<'a> {
    pub(super) participant: &'a Participant,
}

/// What is asked for: two requests for the same thing have the same.
struct Wanted {
    url: String,
    secret_type: String,
}

impl Requests<'_> {
    /// `request_secret`
    pub(super) async fn request(
        &self,
        input: RequestSecret,
        place: &mut Option<OwnedSemaphorePermit>,
    ) -> Result<Content, CallError> {
        let wanted = Wanted::new(input.url, input.secret_type)?;
        let timeout = timeout(input.timeout)?;
        let requester = &self.participant.caller.identity;
        let delegate_to = delegate(input.delegate_to)?;
        let asked =
            ParticipantId::new(input.participant_id).map_err(|error| invalid("participant_id", error))?;
        let state = &self.participant.state;
        let member = state
            .rooms
            .member(&self.participant.room, &asked)
            .ok_or_else(|| {
                CallError::new(
                    ErrorCode::NotFound,
                    "there is no participant of that id in the room",
                )
            })?;
        let key = SecretKey {
            room: self.participant.room.clone(),
            owner: member.identity.clone(),
            delegated_to: Some(delegate_to.clone().unwrap_or_else(|| requester.clone())),
            id: wanted.id()?,
        };
        // An answer for somebody else is not the caller's to see: it is asked for anew, in its own name.
        let may_see = key.delegated_to.as_ref() == Some(requester) || key.owner == *requester;
        if may_see && let Some(answer) = self.stored(key.clone()).await? {
            return Ok(wanted.into_file(answer));
        }
        if !self.participant.begin_waiting(place) {
            return Err(CallError::new(
                ErrorCode::OperationFailed,
                "too many requests of this participant wait for an answer already",
            ));
        }
        let request = RequestSecret {
            url: wanted.url.clone(),
            secret_type: Some(wanted.secret_type.clone()),
            participant_id: asked.into(),
            timeout: Some(timeout.as_secs()),
            delegate_to: delegate_to.map(Into::into),
        };
        let requester = Some(Requester {
            id: self.participant.member.id.to_string(),
            name: requester.to_string(),
        });
        let question = Question {
            message_type: SECRET_REQUEST,
            header: |request_id| SecretRequest {
                request_id,
                request,
                requester,
            },
            keep_as: Some(wanted.record(key)),
            timeout,
        };
        match pending::ask(&member, question, self.participant.gone()).await {
            Ok(Answer::Provided(value)) => Ok(wanted.into_file(value)),
            Ok(Answer::Rejected(reason)) => Ok(rejected(&reason)),
            Ok(Answer::Lost) => Err(CallError::new(
                ErrorCode::OperationFailed,
                "the participant answered, and the room server could not store the answer",
            )),
            Err(unanswered) => Err(unanswered.into()),
        }
    }
    /// `provide_secret`
    pub(super) async fn provide(
        &self,
        headers: ProvideSecret,
        value: SecretValue,
    ) -> Result<Content, CallError> {
        let limit = self.participant.state.config.limits.value_bytes;
        if headers.error.is_none() && value.expose().len() > limit {
            return Err(too_large(limit));
        }
        let unknown = || CallError::new(ErrorCode::NotFound, "no such request waits for your answer");
        // Text that no id can be is no id of a request either.
        let id = RequestId::new(headers.request_id).map_err(|_| unknown())?;
        let taken = self.participant.member.pending.take(&id, SECRET_REQUEST);
        let asked = taken.ok_or_else(unknown)?;
        if let Some(reason) = headers.error {
            let reason = reason.chars().take(MAX_REASON_CHARS).collect();
            asked.answer(Answer::Rejected(reason));
            return Ok(Content::Empty);
        }
        if let Some(record) = asked.keep_as.clone()
            && let Err(error) = self.participant.state.store.write(record, value.clone()).await
        {
            asked.answer(Answer::Lost);
            return Err(error.into());
        }
        asked.answer(Answer::Provided(value));
        Ok(Content::Empty)
    }

    /// `delete_requested_secret`: of those that the caller gave or was given.
    pub(super) async fn delete(&self, input: DeleteRequestedSecret) -> Result<Content, CallError> {
        let wanted = Wanted::new(input.url, input.secret_type)?;
        let delegated_to = match delegate(input.delegated_to)? {
            Some(delegate) => DelegatedTo::Exactly(Some(delegate)),
            None => DelegatedTo::Anyone,
        };
        let query = SecretQuery {
            room: self.participant.room.clone(),
            viewer: self.participant.caller.identity.clone(),
            id: Some(wanted.id()?),
            secret_type: None,
            name: None,
            delegated_to,
        };
        let store = &self.participant.state.store;
        let mut deleted = false;
        for record in store.find(query).await? {
            deleted |= store.delete(record.key).await?;
        }
        if deleted {
            Ok(Content::Empty)
        } else {
            Err(CallError::new(ErrorCode::NotFound, "there is no such answer"))
        }
    }

    /// The answer that was given earlier.
    async fn stored(&self, key: SecretKey) -> Result<Option<SecretValue>, CallError> {
        let found = self.participant.state.store.read(key).await?;
        Ok(found.map(|(_, value)| value))
    }
}

impl Wanted {
    fn new(url: String, secret_type: Option<String>) -> Result<Self, CallError> {
        if url.is_empty() {
            return Err(invalid("url", NameError::Empty));
        }
        if url.len() > MAX_URL_BYTES {
            return Err(CallError::new(
                ErrorCode::InvalidRequest,
                format!("`url` is not usable: it has more than {MAX_URL_BYTES} bytes"),
            ));
        }
        if url.chars().any(char::is_control) {
            return Err(invalid("url", NameError::ControlCharacter));
        }
        let secret_type = label("type", secret_type)?.unwrap_or_else(|| DEFAULT_TYPE.to_owned());
        Ok(Self { url, secret_type })
    }

    /// The id of every answer to this.
    fn id(&self) -> Result<SecretId, CallError> {
        let mut hash = Sha256::new();
        for part in [&self.url, &self.secret_type] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let hash = URL_SAFE_NO_PAD.encode(hash.finalize());
        secret_id(format!("{ANSWER_ID_PREFIX}{hash}"))
    }

    /// The answer as it is stored under `key`.
    fn record(&self, key: SecretKey) -> SecretRecord {
        SecretRecord {
            key,
            kind: SecretKind::Requested,
            secret_type: self.secret_type.clone(),
            name: self.url.clone(),
        }
    }

    fn into_file(self, value: SecretValue) -> Content {
        Content::File {
            name: self.url,
            mime_type: self.secret_type,
            data: value,
        }
    }
}

/// Time to answer.
fn timeout(seconds: Option<u64>) -> Result<Duration, CallError> {
    let seconds = seconds.unwrap_or(DEFAULT_TIMEOUT_SECONDS);
    if !(1..=MAX_TIMEOUT_SECONDS).contains(&seconds) {
        return Err(CallError::new(
            ErrorCode::InvalidRequest,
            format!("`timeout` is from 1 to {MAX_TIMEOUT_SECONDS} whole seconds"),
        ));
    }
    Ok(Duration::from_secs(seconds))
}

fn rejected(reason: &str) -> Content {
    let text = match reason.trim() {
        "" => "the participant rejected the request".to_owned(),
        reason => format!("the participant rejected the request: {reason}"),
    };
    Content::Rejected { text }
}

/// An id that somebody chose: no answer has it.
pub(super) fn ordinary(id: SecretId) -> Result<SecretId, CallError> {
    if id.as_str().starts_with(ANSWER_ID_PREFIX) {
        return Err(CallError::new(
            ErrorCode::InvalidRequest,
            format!("ids that start with `{ANSWER_ID_PREFIX}` are those of answers to requests"),
        ));
    }
    Ok(id)
}

impl From<Unanswered> for CallError {
    fn from(unanswered: Unanswered) -> Self {
        let failed = |text| Self::new(ErrorCode::OperationFailed, text);
        match unanswered {
            Unanswered::Left => failed("the participant left without an answer"),
            Unanswered::TooMany => failed("the participant has too many requests to answer already"),
            Unanswered::TimedOut => Self::new(ErrorCode::Timeout, "the participant did not answer in time"),
            Unanswered::Withdrawn => failed("the server is stopping"),
        }
    }
}
