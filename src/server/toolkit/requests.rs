//! Asking another participant for a secret, and answering (protocol, "Requests").
//!
//! An answer is stored, owned by who provided it and delegated, under an id made from the URL and the
//! type that were asked for. Requests are not merged: each is put to the participant and answered on its
//! own, whoever else asks for the same thing at the same time, and the answer that came last is kept.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::input::{delegate, invalid, label, new_delegate, secret_id, too_large};
use super::participant_request::{self, Asking};
use super::{CallError, load};
use crate::sensitive::SecretValue;
use crate::server::oauth::CREDENTIAL_ID_PREFIX;
use crate::server::participant::{Participant, Place};
use crate::server::rooms::{Answer, Question};
use crate::server::store::{DelegatedTo, SecretKey, SecretKind, SecretQuery, SecretRecord};
use crate::wire::secrets::DEFAULT_TYPE;
use crate::wire::secrets::request::{
    DeleteRequestedSecret, ProvideSecret, RequestSecret, SECRET_REQUEST, SecretRequest,
};
use crate::wire::{Content, ErrorCode, SecretId, SecretUrl};

/// How the ids of answers begin. No other secret's id does.
const ANSWER_ID_PREFIX: &str = "requested:";

/// The tools about requests, for one call.
pub(super) struct Requests<'a> {
    pub(super) participant: &'a Participant,
}

/// What is asked for: two requests for the same thing have the same.
struct Wanted {
    url: SecretUrl,
    secret_type: String,
}

impl Requests<'_> {
    /// `request_secret`
    pub(super) async fn request(
        &self,
        input: RequestSecret,
        place: &mut Place,
    ) -> Result<Content, CallError> {
        let wanted = Wanted::new(input.url, input.secret_type)?;
        let requester = &self.participant.caller.identity;
        let delegate_to = new_delegate(input.delegate_to)?;
        let asking = Asking::new(self.participant, input.participant_id, input.timeout)?;
        let key = SecretKey {
            room: self.participant.room.clone(),
            owner: asking.member.identity.clone(),
            delegated_to: Some(delegate_to.clone().unwrap_or_else(|| requester.clone())),
            id: wanted.id()?,
        };
        // An answer for somebody else is not the caller's to see: it is asked for anew, in its own name.
        let may_see = key.delegated_to.as_ref() == Some(requester) || key.owner == *requester;
        if may_see && let Some((_, answer)) = load::load(self.participant, key.clone(), place).await? {
            return Ok(wanted.into_file(answer));
        }
        let request = RequestSecret {
            url: wanted.url.to_string(),
            secret_type: Some(wanted.secret_type.clone()),
            participant_id: asking.member.id.to_string(),
            timeout: Some(asking.timeout.as_secs()),
            delegate_to: delegate_to.map(Into::into),
        };
        let requester = Some(asking.requester());
        let question = Question {
            message_type: SECRET_REQUEST,
            header: |request_id| SecretRequest {
                request_id,
                request,
                requester,
            },
            keep_as: Some(wanted.record(key.clone())),
            timeout: asking.timeout,
        };
        match asking.ask(question, place).await? {
            Answer::Provided(value) => Ok(wanted.into_file(self.deliver(value, key, place).await?)),
            Answer::Rejected(reason) => Ok(participant_request::rejected(&reason)),
            Answer::Lost => Err(CallError::new(
                ErrorCode::OperationFailed,
                "the participant answered, and the room server could not store the answer",
            )),
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
        let asked = participant_request::take(self.participant, headers.request_id, SECRET_REQUEST)?;
        if let Some(reason) = headers.error {
            asked.answer(participant_request::rejection(&reason));
            return Ok(Content::Empty);
        }
        if let Some(record) = asked.keep_as.clone()
            && let Err(error) = self.participant.store.write(record, value.clone()).await
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
        let store = &self.participant.store;
        let mut deleted = false;
        for secret in store.find(query).await?.whole()? {
            deleted |= store.delete(secret.record.key).await?;
        }
        if deleted {
            Ok(Content::Empty)
        } else {
            Err(CallError::new(ErrorCode::NotFound, "there is no such answer"))
        }
    }

    /// The answer that was given earlier.
    pub(super) async fn stored(&self, key: SecretKey) -> Result<Option<SecretValue>, CallError> {
        let found = self.participant.store.read(key).await?;
        Ok(found.map(|(_, value)| value))
    }
}

impl Wanted {
    fn new(url: String, secret_type: Option<String>) -> Result<Self, CallError> {
        let url = SecretUrl::new(url).map_err(|error| invalid("url", error))?;
        let secret_type = label("type", secret_type)?.unwrap_or_else(|| DEFAULT_TYPE.to_owned());
        Ok(Self { url, secret_type })
    }

    /// The id of every answer to this.
    fn id(&self) -> Result<SecretId, CallError> {
        let mut hash = Sha256::new();
        for part in [self.url.as_str(), &self.secret_type] {
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
            name: self.url.to_string(),
        }
    }

    fn into_file(self, value: SecretValue) -> Content {
        Content::File {
            name: self.url.into(),
            mime_type: self.secret_type,
            data: value,
        }
    }
}

/// An id that somebody chose: no answer and no credential has it.
pub(super) fn ordinary(id: SecretId) -> Result<SecretId, CallError> {
    for (prefix, whose) in [
        (ANSWER_ID_PREFIX, "answers to requests"),
        (CREDENTIAL_ID_PREFIX, "OAuth credentials"),
    ] {
        if id.as_str().starts_with(prefix) {
            return Err(CallError::new(
                ErrorCode::InvalidRequest,
                format!("ids that start with `{prefix}` are those of {whose}"),
            ));
        }
    }
    Ok(id)
}
