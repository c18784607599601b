//! The chain: each entry's MAC covers the MAC before it, and the head's MAC covers the last entry's and the place where
//! the log was pruned.
//!
//! `mac = HMAC-SHA256(k_audit, previous ‖ database ‖ chain ‖ seq ‖ entry)`, where each field is preceded by its length.

use hmac::{Hmac, KeyInit, Mac as _};
use sha2::Sha256;

use super::entry::AuditEntry;
use crate::server::store::StoreError;
use crate::server::store::seal::{Bound, DatabaseId, Key};

/// The number of the database's chain.
pub(super) const CHAIN: u64 = 1;

/// Bytes of a MAC.
pub(super) const MAC_BYTES: usize = 32;

/// What precedes the first entry.
pub(super) const GENESIS: [u8; MAC_BYTES] = [0; MAC_BYTES];

/// The end of a chain, and where it was pruned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::server::store) struct Head {
    pub(in crate::server::store) chain: u64,
    /// The number of the last entry; 0 if there was none yet.
    pub(in crate::server::store) seq: u64,
    /// The MAC of the last entry.
    pub(in crate::server::store) mac: Vec<u8>,
    /// The number of the last entry that was pruned; 0 if none was.
    pub(in crate::server::store) pruned_seq: u64,
    /// The MAC of the last entry that was pruned: the first one that is left continues from it.
    pub(in crate::server::store) pruned_mac: Vec<u8>,
}

impl Head {
    /// The head of an empty chain.
    pub(super) fn empty() -> Self {
        Self {
            chain: CHAIN,
            seq: 0,
            mac: GENESIS.to_vec(),
            pruned_seq: 0,
            pruned_mac: GENESIS.to_vec(),
        }
    }
}

/// The key of the chain, for one database.
#[derive(Clone)]
pub(in crate::server::store) struct ChainKey {
    database: DatabaseId,
    /// Initialized with the key; cloned for each MAC.
    mac: Hmac<Sha256>,
}

impl std::fmt::Debug for ChainKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChainKey").finish_non_exhaustive()
    }
}

impl ChainKey {
    pub(in crate::server::store) fn new(database: DatabaseId, key: &Key) -> Result<Self, StoreError> {
        let mac = Hmac::new_from_slice(&**key)
            .map_err(|_| StoreError::Corrupted("the key of the audit log is not one".into()))?;
        Ok(Self { database, mac })
    }

    fn mac(&self, parts: [&[u8]; 2]) -> Hmac<Sha256> {
        let mut mac = self.mac.clone();
        for part in parts {
            mac.update(part);
        }
        mac
    }

    fn entry_mac(&self, previous: &[u8], chain: u64, seq: u64, entry: &AuditEntry) -> Hmac<Sha256> {
        self.mac([previous, bound_entry(&self.database, chain, seq, entry).bytes()])
    }

    /// The MAC of the entry `seq`, which follows the one whose MAC is `previous`.
    pub(super) fn link(&self, previous: &[u8], chain: u64, seq: u64, entry: &AuditEntry) -> Vec<u8> {
        let mac = self.entry_mac(previous, chain, seq, entry);
        mac.finalize().into_bytes().to_vec()
    }

    /// Whether `mac` equals [`ChainKey::link`], in constant time.
    pub(super) fn is_link(
        &self,
        previous: &[u8],
        (chain, seq): (u64, u64),
        entry: &AuditEntry,
        mac: &[u8],
    ) -> bool {
        self.entry_mac(previous, chain, seq, entry)
            .verify_slice(mac)
            .is_ok()
    }

    /// The MAC over the head.
    pub(super) fn head_mac(&self, head: &Head) -> Vec<u8> {
        let mac = self.mac([bound_head(&self.database, head).bytes(), &[]]);
        mac.finalize().into_bytes().to_vec()
    }

    /// Whether `mac` equals [`ChainKey::head_mac`], in constant time.
    pub(super) fn is_head(&self, head: &Head, mac: &[u8]) -> bool {
        let expected = self.mac([bound_head(&self.database, head).bytes(), &[]]);
        expected.verify_slice(mac).is_ok()
    }
}

fn bound_entry(database: &DatabaseId, chain: u64, seq: u64, entry: &AuditEntry) -> Bound {
    let AuditEntry {
        at,
        room,
        actor,
        operation,
        owner,
        secret,
        delegate,
        outcome,
        count,
    } = entry;
    let bound = Bound::new("meshagent audit entry 1", 0, database)
        .field(&chain.to_be_bytes())
        .field(&seq.to_be_bytes())
        .field(&at.to_be_bytes());
    let texts = [
        room,
        &actor.identity,
        &actor.participant_id,
        &actor.token_id,
        &actor.api_key_id,
        &actor.peer,
        owner,
        secret,
        delegate,
    ];
    let bound = texts.into_iter().fold(bound, |bound, text| {
        bound.optional(text.as_ref().map(String::as_bytes))
    });
    let count = count.map(u64::to_be_bytes);
    bound
        .field(operation.as_bytes())
        .field(outcome.as_str().as_bytes())
        .optional(count.as_ref().map(<[u8; 8]>::as_slice))
}

fn bound_head(database: &DatabaseId, head: &Head) -> Bound {
    Bound::new("meshagent audit head 1", 0, database)
        .field(&head.chain.to_be_bytes())
        .field(&head.seq.to_be_bytes())
        .field(&head.mac)
        .field(&head.pruned_seq.to_be_bytes())
        .field(&head.pruned_mac)
}
