//! The tools of the `secrets` toolkit that read and change stored secrets, and who may use them on which
//! secret (protocol, "The `secrets` toolkit").

use uuid::Uuid;

use super::answer::Answer;
use super::input::{delegate, delegator, invalid, label, new_delegate, new_secret_id, secret_id, too_large};
use super::load::{Loaded, load};
use super::lookup::{Lookup, Unknown};
use super::{CallError, requests};
use crate::sensitive::SecretValue;
use crate::server::audit::Access;
use crate::server::oauth::Credential;
use crate::server::participant::Participant;
use crate::server::store::{DelegatedTo, SecretKey, SecretKind, SecretQuery, SecretRecord};
use crate::wire::secrets::{
    DEFAULT_TYPE, DeleteSecret, ExistsResponse, GetSecret, SecretExists, SetSecret, SetSecretResponse,
};
use crate::wire::{Content, ErrorCode, Identity, SecretId};

/// The tools that read and change stored secrets, for one call.
pub(super) struct Secrets<'a> {
    pub(super) participant: &'a Participant,
    pub(super) access: &'a Access,
}

impl Secrets<'_> {
    /// `set_secret`
    pub(super) async fn set(&self, headers: SetSecret, value: SecretValue) -> Result<Content, CallError> {
        let limit = self.participant.state.config.limits.value_bytes;
        if value.expose().len() > limit {
            return Err(too_large(limit));
        }
        let (id, response) = if let Some(id) = headers.secret_id {
            (requests::ordinary(new_secret_id(id)?)?, Content::Empty)
        } else {
            let id = SecretId::from(Uuid::now_v7());
            (id.clone(), Content::json(&SetSecretResponse { id })?)
        };
        let owner = self.owner(headers.for_identity)?;
        owner
            .check_new()
            .map_err(|error| invalid("for_identity", error))?;
        let (secret_type, name) = (label("type", headers.secret_type)?, label("name", headers.name)?);
        let key = SecretKey {
            room: self.participant.room.clone(),
            owner,
            delegated_to: new_delegate(headers.delegated_to)?,
            id,
        };
        self.access.about(&key);
        let has_value = headers.has_data.unwrap_or(!value.expose().is_empty());
        if !has_value && self.relabel(&key, secret_type.as_ref(), name.as_ref()).await? {
            return Ok(response);
        }
        if headers.has_data == Some(false) {
            return Err(CallError::new(
                ErrorCode::NotFound,
                "set_secret comes without a value, and there is no such secret",
            ));
        }
        let record = SecretRecord {
            kind: SecretKind::Stored,
            secret_type: secret_type.unwrap_or_else(|| DEFAULT_TYPE.to_owned()),
            name: name.unwrap_or_else(|| key.id.to_string()),
            key,
        };
        let entry = self.access.of_change(&record.key);
        self.participant.store.write(record, value, entry).await?;
        self.access.changed(true);
        Ok(response)
    }

    /// Changes the type and the name of a secret, where they are given, and keeps its value. False if there is no such
    /// secret.
    async fn relabel(
        &self,
        key: &SecretKey,
        secret_type: Option<&String>,
        name: Option<&String>,
    ) -> Result<bool, CallError> {
        let Some(Loaded { record, value, .. }) = load(self.participant, key.clone()).await? else {
            return Ok(false);
        };
        let record = SecretRecord {
            secret_type: secret_type.unwrap_or(&record.secret_type).clone(),
            name: name.unwrap_or(&record.name).clone(),
            ..record
        };
        let entry = self.access.of_change(key);
        let is_there = self.participant.store.replace(record, value, entry).await?;
        if is_there {
            self.access.changed(true);
        }
        Ok(is_there)
    }

    /// `get_secret`
    pub(super) async fn get(&self, input: GetSecret) -> Result<Answer, CallError> {
        if input.secret_id.is_none() && input.name.is_none() && input.secret_type.is_none() {
            return Err(CallError::new(
                ErrorCode::InvalidRequest,
                "name a secret by id, name or type",
            ));
        }
        let lookup = Lookup {
            viewer: self.participant.caller.identity.clone(),
            id: input.secret_id.map(secret_id).transpose()?,
            secret_type: input.secret_type,
            name: input.name,
            delegated_to: delegate(input.delegated_to)?,
            delegated_by: delegator(input.delegated_by)?,
        };
        // Most reads name a secret whose key is known without a search.
        let key = match lookup.key(self.participant) {
            Ok(key) => key,
            Err(Unknown) => lookup.find(self.participant).await?,
        };
        let Some(key) = key else {
            self.access.found_nothing();
            return Ok(Content::Empty.into());
        };
        self.access.about(&key);
        let Some(Loaded {
            record,
            value,
            budget,
        }) = load(self.participant, key).await?
        else {
            self.access.found_nothing();
            return Ok(Content::Empty.into());
        };
        let value = match record.kind {
            SecretKind::OAuth => describe(&value)?,
            SecretKind::Stored | SecretKind::Requested => value,
        };
        let is_own = record.key.owner == self.participant.caller.identity;
        let content = Content::File {
            name: record.name,
            mime_type: record.secret_type,
            owner: (!is_own).then(|| record.key.owner.into()),
            data: value,
        };
        Ok(Answer {
            content,
            budget: Some(budget),
        })
    }

    /// `exists`
    pub(super) async fn exists(&self, input: SecretExists) -> Result<Content, CallError> {
        let lookup = Lookup {
            id: Some(secret_id(input.secret_id)?),
            secret_type: None,
            name: None,
            delegated_to: delegate(input.delegated_to)?,
            delegated_by: delegator(input.delegated_by)?,
            viewer: self.owner(input.for_identity)?,
        };
        let store = &self.participant.store;
        let exists = match lookup.key(self.participant) {
            Ok(None) => false,
            Ok(Some(key)) => {
                self.access.about(&key);
                store.contains(key).await?
            }
            // Of several owners: whether one of them delegated it.
            Err(Unknown) => {
                if let Some(id) = &lookup.id {
                    self.access.about_delegated(id, &lookup.viewer);
                }
                let to_viewer = DelegatedTo::Exactly(Some(lookup.viewer.clone()));
                let query = SecretQuery {
                    id: lookup.id,
                    limit: Some(1),
                    ..SecretQuery::new(self.participant.room.clone(), lookup.viewer, to_viewer)
                };
                !store.find(query).await?.whole()?.is_empty()
            }
        };
        if !exists {
            self.access.found_nothing();
        }
        let owner = lookup.delegated_by.filter(|_| exists).map(Into::into);
        Ok(Content::json(&ExistsResponse { exists, owner })?)
    }

    /// `delete_secret`
    pub(super) async fn delete(&self, input: DeleteSecret) -> Result<Content, CallError> {
        let key = self.own_key(secret_id(input.id)?, delegate(input.delegated_to)?);
        self.access.about(&key);
        let entry = self.access.of_change(&key);
        let deleted = self.participant.store.delete(key, entry).await?;
        self.access.changed(deleted);
        if deleted {
            Ok(Content::Empty)
        } else {
            Err(CallError::new(ErrorCode::NotFound, "there is no such secret"))
        }
    }

    fn own_key(&self, id: SecretId, delegated_to: Option<Identity>) -> SecretKey {
        SecretKey {
            room: self.participant.room.clone(),
            owner: self.participant.caller.identity.clone(),
            delegated_to,
            id,
        }
    }

    /// The owner of the secret: the caller, or with the `admin` grant the identity that the input names.
    fn owner(&self, for_identity: Option<String>) -> Result<Identity, CallError> {
        let Some(owner) = for_identity else {
            return Ok(self.participant.caller.identity.clone());
        };
        let owner = Identity::new(owner).map_err(|error| invalid("for_identity", error))?;
        if owner != self.participant.caller.identity && !self.participant.caller.api.admin {
            return Err(CallError::new(
                ErrorCode::PermissionDenied,
                "acting for another identity needs the `admin` grant",
            ));
        }
        Ok(owner)
    }
}

/// A description of a credential without its tokens: those are read by the OAuth calls.
fn describe(credential: &SecretValue) -> Result<SecretValue, CallError> {
    let credential = Credential::open(credential);
    let unreadable = || CallError::new(ErrorCode::OperationFailed, "the credential cannot be read");
    Ok(credential.ok_or_else(unreadable)?.describe())
}
