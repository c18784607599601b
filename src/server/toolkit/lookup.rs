//! Finds the secret that a read names. What others delegated is never read in the place of an own secret, and not
//! without a word where more than one owner delegated it (protocol, "Reading what others delegated").

use super::CallError;
use crate::server::participant::Participant;
use crate::server::store::{DelegatedTo, SecretKey, SecretQuery, StoredSecret};
use crate::wire::{ErrorCode, Identity, SecretId};

/// Matches of one lookup that are read at most: enough to tell apart one and several, and to name some owners.
const MAX_MATCHES: usize = 4;

/// What a read names. Every given member must match.
#[derive(Debug)]
pub(super) struct Lookup {
    /// Who reads.
    pub(super) viewer: Identity,
    pub(super) id: Option<SecretId>,
    pub(super) secret_type: Option<String>,
    pub(super) name: Option<String>,
    pub(super) delegated_to: Option<Identity>,
    /// The owner.
    pub(super) delegated_by: Option<Identity>,
}

impl Lookup {
    /// The key of the secret, if it is known without a search: it may not be there.
    ///
    /// # Errors
    /// [`Unknown`] if it has to be searched for.
    pub(super) fn key(&self, participant: &Participant) -> Result<Option<SecretKey>, Unknown> {
        if self.is_hidden() {
            return Ok(None);
        }
        let (Some(id), None, None) = (&self.id, &self.name, &self.secret_type) else {
            return Err(Unknown);
        };
        if self.delegated_by.is_none() && self.is_to_viewer() {
            return Err(Unknown);
        }
        let other = self.delegated_by.as_ref().filter(|owner| **owner != self.viewer);
        Ok(Some(SecretKey {
            room: participant.room.clone(),
            owner: other.unwrap_or(&self.viewer).clone(),
            delegated_to: match other {
                Some(_) => Some(self.viewer.clone()),
                None => self.delegated_to.clone(),
            },
            id: id.clone(),
        }))
    }

    /// The one secret that matches: an own one, else one that was delegated to the viewer.
    ///
    /// # Errors
    /// 1005 if several match.
    pub(super) async fn find(self, participant: &Participant) -> Result<Option<SecretKey>, CallError> {
        if self.is_hidden() {
            return Ok(None);
        }
        let viewer = self.viewer.clone();
        let owner = self.delegated_by.clone();
        let to = match (&self.id, &owner) {
            (_, Some(owner)) if *owner != viewer => DelegatedTo::Exactly(Some(viewer.clone())),
            (None, _) if self.delegated_to.is_none() => DelegatedTo::Anyone,
            _ => DelegatedTo::Exactly(self.delegated_to),
        };
        let query = SecretQuery {
            id: self.id,
            secret_type: self.secret_type,
            name: self.name,
            limit: Some(MAX_MATCHES),
            ..SecretQuery::new(participant.room.clone(), viewer.clone(), to)
        };
        if owner.as_ref().is_none_or(|owner| *owner == viewer) {
            let own = SecretQuery {
                owner: Some(viewer),
                ..query.clone()
            };
            let own = participant.store.find(own).await?.whole()?;
            match &own[..] {
                [] => {}
                [secret] => return Ok(Some(secret.record.key.clone())),
                _ => {
                    return Err(several(
                        "several of your secrets match: name one by id and `delegated_to`",
                    ));
                }
            }
        }
        let delegated = SecretQuery { owner, ..query };
        let delegated = participant.store.find(delegated).await?.whole()?;
        match &delegated[..] {
            [] => Ok(None),
            [secret] => Ok(Some(secret.record.key.clone())),
            secrets => Err(several_delegated(secrets)),
        }
    }

    fn is_to_viewer(&self) -> bool {
        self.delegated_to.as_ref() == Some(&self.viewer)
    }

    /// Whether it names what another owner delegated to a third identity, which does not exist for the viewer.
    fn is_hidden(&self) -> bool {
        let by_other = self.delegated_by.as_ref().is_some_and(|by| *by != self.viewer);
        by_other && self.delegated_to.is_some() && !self.is_to_viewer()
    }
}

/// The key of a secret has to be searched for.
#[derive(Debug)]
pub(super) struct Unknown;

fn several(text: impl Into<String>) -> CallError {
    CallError::new(ErrorCode::Conflict, text)
}

/// The error for several secrets that others delegated.
fn several_delegated(secrets: &[StoredSecret]) -> CallError {
    several_owners(secrets.iter().map(|secret| &secret.record.key.owner))
        .unwrap_or_else(|| several("several secrets that were delegated to you match: name one by id"))
}

/// The error for secrets of these owners, if they are more than one: the reader has to name the one it means.
pub(super) fn several_owners<'a>(owners: impl Iterator<Item = &'a Identity>) -> Option<CallError> {
    let mut names: Vec<&str> = owners.map(Identity::as_str).collect();
    names.sort_unstable();
    names.dedup();
    if names.len() < 2 {
        return None;
    }
    let others = if names.len() < MAX_MATCHES {
        ""
    } else {
        " and others"
    };
    names.truncate(MAX_MATCHES - 1);
    Some(several(format!(
        "more than one identity delegated this to you ({}{others}): name the owner as `delegated_by`",
        names.join(", ")
    )))
}
