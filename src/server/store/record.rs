//! What is known of a secret without its value, and how it is looked for.

use super::StoreError;
use crate::sensitive::SecretValue;
use crate::wire::{Identity, RoomName, SecretId};

/// What tells one secret from all others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretKey {
    /// The room it is in.
    pub room: RoomName,
    /// Who set it, or for whom it was set.
    pub owner: Identity,
    /// Who may read it beside the owner.
    pub delegated_to: Option<Identity>,
    /// Its id.
    pub id: SecretId,
}

impl SecretKey {
    /// `delegated_to` as it is stored: empty, which no identity is, for none.
    pub(super) fn delegate_text(&self) -> &str {
        self.delegated_to.as_ref().map_or("", Identity::as_str)
    }
}

/// How a secret came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretKind {
    /// Somebody set it.
    Stored,
    /// A participant provided it when it was asked.
    Requested,
    /// A credential from an OAuth provider.
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
    /// Which one it is.
    pub key: SecretKey,
    /// How it came to be.
    pub kind: SecretKind,
    /// Its type, a MIME type by custom.
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
    /// When it was set last, in seconds since 1970; none for a secret of a database in format 1 that was not set
    /// since.
    pub written_at: Option<u64>,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// The secrets whose rows are what was written, sorted by id, owner and `delegated_to`.
    pub secrets: Vec<StoredSecret>,
    /// What is wrong with the first row that is not.
    pub damage: Option<StoreError>,
}

impl Found {
    /// The secrets, if every row that matched is what was written.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] and [`StoreError::Corrupted`] otherwise.
    pub fn whole(self) -> Result<Vec<StoredSecret>, StoreError> {
        self.damage.map_or(Ok(self.secrets), Err)
    }
}

/// What comes of reading a secret that may be too large.
#[derive(Debug)]
pub enum BoundedRead {
    /// The secret and its value.
    Whole(SecretRecord, SecretValue),
    /// It takes so many bytes, sealed, which is more than were asked for.
    Larger(usize),
}

/// What a viewer looks for: every given member must match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretQuery {
    /// The room.
    pub room: RoomName,
    /// Who looks: only secrets of its own and those delegated to it are found.
    pub viewer: Identity,
    /// The id.
    pub id: Option<SecretId>,
    /// The type.
    pub secret_type: Option<String>,
    /// The name.
    pub name: Option<String>,
    /// The delegate.
    pub delegated_to: DelegatedTo,
}

impl SecretQuery {
    /// All that `viewer` may see in `room`, as far as it is delegated so.
    pub const fn new(room: RoomName, viewer: Identity, delegated_to: DelegatedTo) -> Self {
        Self {
            room,
            viewer,
            id: None,
            secret_type: None,
            name: None,
            delegated_to,
        }
    }
}

/// Which delegates a query accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DelegatedTo {
    /// Every one, and none.
    Anyone,
    /// This one; or secrets that are delegated to nobody.
    Exactly(Option<Identity>),
}
