//! The rows of what was revoked, each under a MAC. A row that was removed cannot be noticed.

use rusqlite::{Connection, OptionalExtension as _, Transaction};
use uuid::Uuid;

use super::StoreError;
use super::keys::StoreKeys;
use crate::token::CLOCK_LEEWAY_SECONDS;
use crate::wire::Identity;

/// Tokens that are not accepted any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RevokedTokens {
    /// The token with this id (`jti`).
    WithId(String),
    /// The identity's tokens that were issued until the time of the revocation.
    OfIdentity(Identity),
    /// The tokens that this API key signed until the time of the revocation.
    OfApiKey(Uuid),
}

impl RevokedTokens {
    /// The columns `kind` and `subject`.
    pub(super) fn columns(&self) -> (&'static str, String) {
        match self {
            Self::WithId(id) => ("token", id.clone()),
            Self::OfIdentity(identity) => ("identity", identity.to_string()),
            Self::OfApiKey(id) => ("api_key", id.to_string()),
        }
    }

    fn parse(kind: &str, subject: String) -> Option<Self> {
        match kind {
            "token" => Some(Self::WithId(subject)),
            "identity" => Some(Self::OfIdentity(Identity::new(subject).ok()?)),
            "api_key" => Some(Self::OfApiKey(Uuid::parse_str(&subject).ok()?)),
            _ => None,
        }
    }
}

/// A revocation. Times are in Unix seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// What is revoked.
    pub tokens: RevokedTokens,
    /// Since when.
    pub revoked_at: u64,
    /// When the tokens have expired, and the revocation is not needed any more. None if that is not known.
    pub expires_at: Option<u64>,
}

impl Revocation {
    fn is_over(&self, now: u64) -> bool {
        self.expires_at
            .is_some_and(|at| at.saturating_add(CLOCK_LEEWAY_SECONDS) <= now)
    }
}

/// All revocations.
///
/// # Errors
/// [`StoreError::Corrupted`] if one is not what was written.
pub(super) fn select(connection: &Connection, keys: &StoreKeys) -> Result<Vec<Revocation>, StoreError> {
    let mut statement =
        connection.prepare("SELECT kind, subject, revoked_at, expires_at, mac FROM revoked")?;
    let mut rows = statement.query(())?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let kind: String = row.get(0)?;
        let (revoked_at, expires_at) = (row.get(2)?, row.get(3)?);
        let mac = row.get_ref(4)?.as_blob().map_err(rusqlite::Error::from)?;
        let revocation = RevokedTokens::parse(&kind, row.get(1)?).map(|tokens| Revocation {
            tokens,
            revoked_at,
            expires_at,
        });
        let revocation = revocation.filter(|revocation| keys.is_revocation(revocation, mac));
        found.push(
            revocation
                .ok_or_else(|| StoreError::Corrupted("a revocation is not what was written".to_owned()))?,
        );
    }
    Ok(found)
}

/// Stores a revocation, and removes those that are not needed any more at `now`. One that is there already never gets
/// an earlier time.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    keys: &StoreKeys,
    mut revocation: Revocation,
    now: u64,
) -> Result<(), StoreError> {
    let (kind, subject) = revocation.tokens.columns();
    let former: Option<u64> = transaction
        .query_row(
            "SELECT revoked_at FROM revoked WHERE kind = ? AND subject = ?",
            (kind, &subject),
            |row| row.get(0),
        )
        .optional()?;
    revocation.revoked_at = revocation.revoked_at.max(former.unwrap_or_default());
    transaction.execute(
        "INSERT OR REPLACE INTO revoked (kind, subject, revoked_at, expires_at, mac) VALUES (?, ?, ?, ?, ?)",
        (
            kind,
            &subject,
            revocation.revoked_at,
            revocation.expires_at,
            keys.revocation_mac(&revocation),
        ),
    )?;
    for over in select(transaction, keys)?.iter().filter(|row| row.is_over(now)) {
        delete(transaction, &over.tokens)?;
    }
    Ok(())
}

/// Deletes a revocation.
pub(super) fn delete(transaction: &Transaction<'_>, tokens: &RevokedTokens) -> Result<(), StoreError> {
    transaction.execute(
        "DELETE FROM revoked WHERE kind = ? AND subject = ?",
        tokens.columns(),
    )?;
    Ok(())
}
