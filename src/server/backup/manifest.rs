//! What a backup says about itself, in JSON at the start of its content.

use std::collections::BTreeMap;
use std::io::Read;

use serde::{Deserialize, Serialize};

use super::BackupError;
use crate::clock;
use crate::server::store::backup::DatabaseSummary;

/// Most bytes of a manifest that are read.
const MAX_BYTES: u32 = 64 << 10;

/// What a backup says about itself. Members that a newer version adds are skipped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the program that made it.
    pub program_version: String,
    /// When it was made, in Unix seconds.
    pub created_at: u64,
    /// The format of the database's tables.
    pub database_format: i64,
    /// The database's id, in hex.
    pub database_id: String,
    /// How many transactions the database holds.
    pub commits: u64,
    /// How many secrets there are of each kind.
    pub secrets: BTreeMap<String, u64>,
    /// Bytes of the database.
    pub database_bytes: u64,
    /// The database's SHA-256, in hex.
    pub database_sha256: String,
    /// Whether the store's key is in the backup.
    pub includes_key: bool,
}

impl Manifest {
    pub(super) fn new(database: DatabaseSummary, bytes: u64, sha256: &[u8], includes_key: bool) -> Self {
        Self {
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
            created_at: clock::now(),
            database_format: database.format,
            database_id: hex(&database.id),
            commits: database.commits,
            secrets: database.secrets,
            database_bytes: bytes,
            database_sha256: hex(sha256),
            includes_key,
        }
    }

    /// How many secrets there are.
    pub fn secret_count(&self) -> usize {
        let count = self
            .secrets
            .values()
            .fold(0, |sum: u64, more| sum.saturating_add(*more));
        usize::try_from(count).unwrap_or(usize::MAX)
    }

    /// As it is written: its length in 4 bytes, big-endian, and the JSON.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, BackupError> {
        let json = serde_json::to_vec(self).map_err(|_| BackupError::TooLarge)?;
        let length = u32::try_from(json.len()).map_err(|_| BackupError::TooLarge)?;
        Ok([length.to_be_bytes().as_slice(), &json].concat())
    }

    pub(super) fn read(content: &mut impl Read) -> Result<Self, BackupError> {
        let failed = |error| BackupError::from_io("read", error);
        let mut length = [0; 4];
        content.read_exact(&mut length).map_err(failed)?;
        let length = u32::from_be_bytes(length);
        if length > MAX_BYTES {
            return Err(BackupError::Damaged);
        }
        let mut json = Vec::new();
        content
            .take(u64::from(length))
            .read_to_end(&mut json)
            .map_err(failed)?;
        serde_json::from_slice(&json).map_err(|_| BackupError::Damaged)
    }

    /// Whether a database with this summary, length and hash is the one that was backed up.
    pub(super) fn describes(&self, bytes: u64, sha256: &[u8]) -> bool {
        self.database_bytes == bytes && self.database_sha256 == hex(sha256)
    }
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or_default();
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)])
        .collect()
}
