//! A secret without its value, and the queries for secrets.

use super::StoreError;
use crate::sensitive::SecretValue;
use crate::wire::{Identity, RoomName, SecretId};

/// What identifies a secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretKey {
    /// Its room.
    pub room: RoomName,
    /// The identity that set it, or for which it was set.
    pub owner: Identity,
    /// The identity that may read it beside the owner.
    pub delegated_to: Option<Identity>,
    /// Its id.
    pub id: SecretId,
}

impl SecretKey {
    /// `delegated_to` as it is stored. Empty for none, because no identity is empty.
    pub(super) fn delegate_text(&self) -> &str {
        delegate_text(self.delegated_to.as_ref())
    }

    /// Its place in a list.
    pub fn position(&self) -> ListPosition {
        ListPosition {
            id: self.id.clone(),
            owner: self.owner.clone(),
            delegated_to: self.delegated_to.clone(),
        }
    }
}

/// A delegate as it is stored: empty, which no identity is, for none.
pub(super) fn delegate_text(delegate: Option<&Identity>) -> &str {
    delegate.map_or("", Identity::as_str)
}

/// The place of a secret in a list of one viewer's: lists are sorted by id, owner and `delegated_to`, byte by byte.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListPosition {
    /// Its id.
    pub id: SecretId,
    /// Its owner.
    pub owner: Identity,
    /// Who may read it beside the owner.
    pub delegated_to: Option<Identity>,
}

/// How a secret was created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretKind {
    /// A participant set it.
    Stored,
    /// A participant provided it in reply to a request.
    Requested,
    /// The credential of an OAuth client.
    OAuth,
}

impl SecretKind {
    /// As it is stored.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Requested => "requested",
            Self::OAuth => "oauth",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::Stored, Self::Requested, Self::OAuth]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

/// A secret without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRecord {
    /// What identifies it.
    pub key: SecretKey,
    /// How it was created.
    pub kind: SecretKind,
    /// Its type, by convention a MIME type.
    pub secret_type: String,
    /// Its name.
    pub name: String,
}

/// A secret that is in the store, without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSecret {
    /// The secret.
    pub record: SecretRecord,
    /// How often it was set, this time included.
    pub version: u64,
    /// When it was last set, in Unix seconds. None for a secret from a database in format 1 that was not set since.
    pub written_at: Option<u64>,
}

/// The result of a query.
#[derive(Debug, Default)]
pub struct Found {
    /// The secrets whose rows are intact, sorted by [`ListPosition`].
    pub secrets: Vec<StoredSecret>,
    /// Whether more secrets match than the query's limit.
    pub more: bool,
    /// The error of the first row that is not intact.
    pub damage: Option<StoreError>,
}

impl Found {
    /// The secrets, if every row that matched is intact.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] and [`StoreError::Corrupted`] otherwise.
    pub fn whole(self) -> Result<Vec<StoredSecret>, StoreError> {
        self.damage.map_or(Ok(self.secrets), Err)
    }
}

/// The result of reading a secret that may be larger than a limit.
#[derive(Debug)]
pub enum BoundedRead {
    /// The secret and its value.
    Whole(SecretRecord, SecretValue),
    /// Reading it takes this many bytes of memory, which is more than the limit.
    Larger(usize),
}

/// A query for secrets. Every member that is given must match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretQuery {
    /// The room.
    pub room: RoomName,
    /// The identity that looks: it finds its own secrets and those delegated to it.
    pub viewer: Identity,
    /// The owner.
    pub owner: Option<Identity>,
    /// The id.
    pub id: Option<SecretId>,
    /// What the id starts with.
    pub prefix: String,
    /// The type.
    pub secret_type: Option<String>,
    /// The name.
    pub name: Option<String>,
    /// The delegate.
    pub delegated_to: DelegatedTo,
    /// Only secrets behind this place are found.
    pub after: Option<ListPosition>,
    /// Most secrets that are found: the first ones.
    pub limit: Option<usize>,
}

impl SecretQuery {
    /// A query for all secrets in `room` that `viewer` may see and that have such a delegate.
    pub const fn new(room: RoomName, viewer: Identity, delegated_to: DelegatedTo) -> Self {
        Self {
            room,
            viewer,
            owner: None,
            id: None,
            prefix: String::new(),
            secret_type: None,
            name: None,
            delegated_to,
            after: None,
            limit: None,
        }
    }
}

/// The delegates that a query accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DelegatedTo {
    /// Any, or none.
    Anyone,
    /// This one, or none.
    Exactly(Option<Identity>),
}
