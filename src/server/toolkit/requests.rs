//! Requests to another participant for a secret, and their answers (protocol, "Requests").
//!
//! An answer is stored under an id made from the requested URL and type, owned by the participant that
//! provided it and delegated to the requester. Requests are not merged: each one is sent and answered on its
//! own, even if several ask for the same thing at the same time, and the last answer is kept.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::FutureExt as _;
use sha2::{Digest as _, Sha256};

use super::CallError;
use super::answer::{Answer, Outcome};
use super::deliver::{deliver, deliver_stored, fingerprint};
use super::input::{delegate, invalid, label, new_delegate, secret_id, too_large};
use super::load::load;
use super::participant_request::{self, ParticipantRequest};
use crate::sensitive::SecretValue;
use crate::server::audit::Access;
use crate::server::oauth::CREDENTIAL_ID_PREFIX;
use crate::server::participant::Participant;
use crate::server::response_budget::ResponsePermit;
use crate::server::rooms::{NewRequest, Reply};
use crate::server::store::{DelegatedTo, SecretKey, SecretKind, SecretQuery, SecretRecord};
use crate::wire::secrets::DEFAULT_TYPE;
use crate::wire::secrets::request::{
    DeleteRequestedSecret, ProvideSecret, RequestSecret, SECRET_REQUEST, SecretRequest,
};
use crate::wire::{Content, ErrorCode, Identity, SecretId, SecretUrl};

/// Prefix of the ids of answers. No other secret's id starts with it.
const ANSWER_ID_PREFIX: &str = "requested:";

/// Largest value that is in memory twice, to be stored and to be given to the requester. A larger one is read from the
/// store for the requester.
const MAX_COPIED_BYTES: usize = 256 << 10;

/// What the audit log calls the rejection of a request.
pub(super) const REJECT: &str = "reject_request";

/// The tools about requests, for one call.
#[derive(Clone, Copy)]
pub(super) struct Requests<'a> {
    pub(super) participant: &'a Participant,
    pub(super) access: &'a Access,
}

/// What a request asks for. Two requests for the same thing are equal in both members.
struct RequestedSecret {
    url: SecretUrl,
    secret_type: String,
}

impl<'a> Requests<'a> {
    /// `request_secret`: the answer that is stored, or a request to the participant.
    pub(super) async fn request(self, input: RequestSecret) -> Result<Outcome<'a>, CallError> {
        let secret = RequestedSecret::new(input.url, input.secret_type)?;
        let requester = &self.participant.caller.identity;
        let delegate_to = new_delegate(input.delegate_to)?;
        let to = ParticipantRequest::new(self.participant, input.participant_id, input.timeout)?;
        let key = SecretKey {
            room: self.participant.room.clone(),
            owner: to.member.identity.clone(),
            delegated_to: Some(delegate_to.clone().unwrap_or_else(|| requester.clone())),
            id: secret.id()?,
        };
        self.access.about(&key);
        // The requester may not see an answer that is delegated to another: it asks anew, in its own name.
        let may_see = key.delegated_to.as_ref() == Some(requester) || key.owner == *requester;
        if may_see && let Some(answer) = load(self.participant, key.clone()).await? {
            return Ok(secret.into_answer(answer.value, Some(answer.budget)).into());
        }
        Ok(Outcome::Wait(self.ask(to, secret, key, delegate_to).boxed()))
    }

    /// Asks the participant. Its answer is stored under `key` before the requester gets it.
    async fn ask(
        self,
        to: ParticipantRequest<'a>,
        secret: RequestedSecret,
        key: SecretKey,
        delegate_to: Option<Identity>,
    ) -> Result<Answer, CallError> {
        let request = RequestSecret {
            url: secret.url.to_string(),
            secret_type: Some(secret.secret_type.clone()),
            participant_id: to.member.id.to_string(),
            timeout: Some(to.timeout.as_secs()),
            delegate_to: delegate_to.map(Into::into),
        };
        let requester = Some(to.requester());
        let new = NewRequest {
            message_type: SECRET_REQUEST,
            header: |request_id| SecretRequest {
                request_id,
                request,
                requester,
            },
            keep_as: Some(secret.record(key.clone())),
            timeout: to.timeout,
        };
        match to.send(new).await? {
            Reply::Provided(value) => {
                let (value, budget) = deliver(self.participant, value, key).await?;
                Ok(secret.into_answer(value, budget))
            }
            Reply::Stored(provided) => {
                let (value, budget) = deliver_stored(self.participant, provided, key).await?;
                Ok(secret.into_answer(value, budget))
            }
            Reply::Rejected(reason) => Ok(participant_request::rejected(&reason).into()),
            Reply::Lost => Err(CallError::new(
                ErrorCode::OperationFailed,
                "the participant answered, and the room server could not store the answer",
            )),
        }
    }

    /// `provide_secret`
    pub(super) async fn provide(
        self,
        headers: ProvideSecret,
        value: SecretValue,
    ) -> Result<Content, CallError> {
        let limit = self.participant.state.config.limits.value_bytes;
        if headers.error.is_none() && value.expose().len() > limit {
            return Err(too_large(limit));
        }
        if headers.error.is_some() {
            self.access.is_operation(REJECT);
        }
        let pending = participant_request::take(self.participant, headers.request_id, SECRET_REQUEST)?;
        if let Some(record) = &pending.keep_as {
            self.access.about(&record.key);
        }
        if let Some(reason) = headers.error {
            pending.reply(participant_request::rejection(&reason));
            return Ok(Content::Empty);
        }
        let Some(record) = pending.keep_as.clone() else {
            pending.reply(Reply::Provided(value));
            return Ok(Content::Empty);
        };
        let (reply, value) = if value.expose().len() <= MAX_COPIED_BYTES {
            (Reply::Provided(value.clone()), value)
        } else {
            (Reply::Stored(fingerprint(&value).await), value)
        };
        let entry = self.access.of_change(&record.key);
        if let Err(error) = self.participant.store.write(record, value, entry).await {
            pending.reply(Reply::Lost);
            return Err(error.into());
        }
        self.access.changed(true);
        pending.reply(reply);
        Ok(Content::Empty)
    }

    /// `delete_requested_secret`: deletes answers that the caller provided or that are delegated to it.
    pub(super) async fn delete(self, input: DeleteRequestedSecret) -> Result<Content, CallError> {
        let secret = RequestedSecret::new(input.url, input.secret_type)?;
        let delegated_to = match delegate(input.delegated_to)? {
            Some(delegate) => DelegatedTo::Exactly(Some(delegate)),
            None => DelegatedTo::Anyone,
        };
        let (room, caller) = (&self.participant.room, &self.participant.caller.identity);
        let query = SecretQuery {
            id: Some(secret.id()?),
            ..SecretQuery::new(room.clone(), caller.clone(), delegated_to)
        };
        let store = &self.participant.store;
        let mut deleted = false;
        for secret in store.find(query).await?.whole()? {
            let key = secret.record.key;
            self.access.about(&key);
            let entry = self.access.of_change(&key);
            let is_deleted = store.delete(key, entry).await?;
            self.access.changed(is_deleted);
            deleted |= is_deleted;
        }
        if deleted {
            Ok(Content::Empty)
        } else {
            Err(CallError::new(ErrorCode::NotFound, "there is no such answer"))
        }
    }
}

impl RequestedSecret {
    fn new(url: String, secret_type: Option<String>) -> Result<Self, CallError> {
        let url = SecretUrl::new(url).map_err(|error| invalid("url", error))?;
        let secret_type = label("type", secret_type)?.unwrap_or_else(|| DEFAULT_TYPE.to_owned());
        Ok(Self { url, secret_type })
    }

    /// The id of every answer to this request: a hash of the URL and the type.
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

    /// The answer to the requester; `budget` is what the value takes of the response budget.
    fn into_answer(self, value: SecretValue, budget: Option<ResponsePermit>) -> Answer {
        let content = Content::File {
            name: self.url.into(),
            mime_type: self.secret_type,
            owner: None,
            data: value,
        };
        Answer { content, budget }
    }
}

/// Checks that an id that a caller chose is not one that the server gives to answers and credentials.
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
