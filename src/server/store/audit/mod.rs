//! The audit log: an entry for each access to a secret and each change, in a chain of MACs ([`chain`]).
//!
//! The entry of a change is in the transaction of the change; the entries of reads are committed in groups by the
//! writer, and a read is answered after that. A changed, moved or removed entry is found by [`verify`]; a tail that was
//! cut off together with the head is found with an anchor from the server's log.

mod accesses;
mod append;
mod chain;
mod entry;
mod prune;
mod query;
mod rows;
mod sync;
mod verify;

use std::time::Duration;

use futures_util::future::BoxFuture;
use rusqlite::{Connection, params};

pub use self::accesses::{AccessQuery, Accesses};
pub(super) use self::accesses::{BOUNDS, SELECT as SELECT_ACCESSES, accesses};
pub(super) use self::append::Appender;
pub(super) use self::chain::ChainKey;
use self::chain::Head;
pub(in crate::server) use self::entry::shorten;
pub use self::entry::{Actor, AuditEntry, AuditOutcome, RecordedEntry};
pub use self::query::AuditQuery;
pub(super) use self::sync::SyncDelay;
pub use self::verify::{Finding, Verification};
use super::StoreError;
use super::keys::StoreKeys;
use super::sqlite::SqliteStore;
use super::worker::Shared;

/// The tables of format 6. `seq` counts the entries; see [`AuditEntry`] for the other columns, and [`Head`] for those of
/// the head.
pub(super) const TABLES: &str = "
    CREATE TABLE audit (
        seq INTEGER PRIMARY KEY,
        chain INTEGER NOT NULL,
        at INTEGER NOT NULL,
        room TEXT,
        identity TEXT, participant_id TEXT, token_id TEXT, api_key_id TEXT, peer TEXT,
        operation TEXT NOT NULL,
        owner TEXT, secret TEXT, delegate TEXT,
        outcome TEXT NOT NULL,
        count INTEGER,
        mac BLOB NOT NULL
    ) STRICT;
    CREATE TABLE audit_head (
        chain INTEGER PRIMARY KEY,
        seq INTEGER NOT NULL,
        mac BLOB NOT NULL,
        pruned_seq INTEGER NOT NULL,
        pruned_mac BLOB NOT NULL,
        head_mac BLOB NOT NULL
    ) STRICT;";

/// Whether there is an audit log, and when the entries of reads are synced to disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AuditMode {
    /// Nothing is recorded.
    Off,
    /// Before the answer leaves.
    #[default]
    Always,
    /// At most so long after the answer has left. It is committed before: only a crash of the machine loses it.
    Within(Duration),
}

/// The last entry of the log at some time. Kept elsewhere, it shows later that nothing before it was cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// The number of the entry; 0 before the first.
    pub seq: u64,
    /// Its MAC.
    pub mac: Vec<u8>,
}

impl Anchor {
    /// Reads what [`Display`](std::fmt::Display) writes. None if it is not that.
    pub fn parse(text: &str) -> Option<Self> {
        let (seq, mac) = text.trim().split_once(':')?;
        let digits = mac.as_bytes().chunks(2).map(|digits| {
            let digits = std::str::from_utf8(digits).ok()?;
            (digits.len() == 2).then(|| u8::from_str_radix(digits, 16).ok())?
        });
        let mac = digits.collect::<Option<Vec<u8>>>()?;
        Some(Self {
            seq: seq.parse().ok()?,
            mac: Some(mac).filter(|mac| mac.len() == chain::MAC_BYTES)?,
        })
    }
}

impl std::fmt::Display for Anchor {
    /// The number and the MAC in hex: `17:5c…`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:", self.seq)?;
        self.mac.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Keeps the audit log.
pub trait AuditStore: Send + Sync + std::fmt::Debug {
    /// Records an entry. It is on disk when the call returns; with [`AuditMode::Within`] it is committed then, and with
    /// [`AuditMode::Off`] nothing is recorded.
    ///
    /// # Errors
    /// Those of the store. The entry is not recorded then.
    fn record(&self, entry: AuditEntry) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Removes the oldest entries from before `before`, in Unix milliseconds, and returns how many. An entry says so.
    ///
    /// # Errors
    /// [`StoreError::Corrupted`] for an entry that is not what was written; it stays.
    fn prune(&self, before: u64) -> BoxFuture<'_, Result<u64, StoreError>>;

    /// The last entry.
    fn anchor(&self) -> BoxFuture<'_, Result<Anchor, StoreError>>;
}

/// The key of the chain, which never changes.
fn chain_key(shared: &Shared) -> Result<ChainKey, StoreError> {
    shared.keys.present().chain().cloned()
}

/// Appends an entry within a transaction.
pub(super) fn append(
    transaction: &Connection,
    shared: &Shared,
    entry: &AuditEntry,
) -> Result<(), StoreError> {
    match shared.audit {
        AuditMode::Off => Ok(()),
        AuditMode::Always | AuditMode::Within(_) => {
            Appender::new(transaction, chain_key(shared)?).append_one(entry)
        }
    }
}

/// What the commands about the log do. They may run beside a server.
impl SqliteStore {
    /// The entries that the query finds, the oldest first.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn audit_entries(&self, query: AuditQuery) -> Result<Vec<RecordedEntry>, StoreError> {
        self.blocking(move |shared| query::query(shared, &query)).await
    }

    /// Checks that the log is what was written, and that it has the entries of `anchors`.
    ///
    /// # Errors
    /// Those of the store. What is wrong with the log is no error, but a [`Finding`].
    pub async fn verify_audit(&self, anchors: Vec<Anchor>) -> Result<Verification, StoreError> {
        self.blocking(move |shared| verify::verify(shared, &anchors))
            .await
    }

    /// Removes the oldest entries from before `before`, in Unix milliseconds, if they are what was written or `force` is
    /// given, and returns how many. An entry says that `actor` did it.
    ///
    /// # Errors
    /// [`StoreError::Corrupted`] for an entry that is not what was written.
    pub async fn prune_audit(&self, before: u64, actor: Actor, force: bool) -> Result<u64, StoreError> {
        let mut entries = 0_u64;
        loop {
            let actor = actor.clone();
            let prune = move |shared: &Shared| prune::prune(shared, before, actor, force);
            let pruned = self.blocking(prune).await?;
            entries = entries.saturating_add(pruned.entries);
            if !pruned.more {
                return Ok(entries);
            }
        }
    }
}

/// Checks that the log is what was written.
///
/// # Errors
/// [`StoreError::Corrupted`] with the first [`Finding`].
pub(super) fn prove(connection: &Connection, keys: &StoreKeys) -> Result<(), StoreError> {
    let verified = verify::verify_in(connection, keys.chain()?, &[])?;
    match verified.findings.first() {
        None => Ok(()),
        Some(finding) => Err(StoreError::Corrupted(format!("audit log: {finding}"))),
    }
}

pub(super) fn anchor(shared: &Shared) -> Result<Anchor, StoreError> {
    let key = chain_key(shared)?;
    let head = shared
        .connections
        .with(|connection| append::read_head(connection, &key))?;
    Ok(Anchor {
        seq: head.seq,
        mac: head.mac,
    })
}

/// Creates the tables, with an empty chain.
pub(super) fn create(connection: &Connection, key: &ChainKey) -> Result<(), StoreError> {
    connection.execute_batch(TABLES)?;
    let head = Head::empty();
    connection.execute(
        "INSERT INTO audit_head (chain, seq, mac, pruned_seq, pruned_mac, head_mac) VALUES (?, ?, ?, ?, ?, ?)",
        params![
            head.chain,
            head.seq,
            head.mac,
            head.pruned_seq,
            head.pruned_mac,
            key.head_mac(&head)
        ],
    )?;
    Ok(())
}
