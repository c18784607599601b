//! Checks that the log is what was written.

use rusqlite::{Connection, OptionalExtension as _};

use super::append::{SELECT_HEAD, head_from_row};
use super::chain::{ChainKey, GENESIS, Head};
use super::entry::RecordedEntry;
use super::rows::{SELECT, recorded};
use super::{Anchor, chain_key};
use crate::server::store::StoreError;
use crate::server::store::worker::Shared;

/// Most findings that are kept.
const MAX_FINDINGS: usize = 1000;

/// Most MACs that the next entry may follow after a damaged one.
const MAX_CANDIDATES: usize = 8;

/// What was checked, and what is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verification {
    /// How many entries there are.
    pub entries: u64,
    /// The number of the last entry that was pruned; 0 if none was.
    pub pruned_to: u64,
    /// The last entry, for the next verification.
    pub anchor: Option<Anchor>,
    /// What is wrong: the first thousand findings.
    pub findings: Vec<Finding>,
    /// The numbers of the anchors that are of pruned entries, and so could not be checked.
    pub unchecked_anchors: Vec<u64>,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// The row that says where the log ends is missing.
    #[error("the head of the log is missing")]
    HeadMissing,
    /// The row that says where the log ends was changed.
    #[error("the head of the log was changed")]
    HeadChanged,
    /// The entry was changed, or put in the place of another.
    #[error("entry {0} was changed, or is not in its place")]
    Changed(u64),
    /// Entries are missing.
    #[error("{} missing", entries(*.from, *.to))]
    Missing {
        /// The first.
        from: u64,
        /// The last.
        to: u64,
    },
    /// There are entries that the head does not know.
    #[error("{} not known to the head of the log", entries(*.from, *.to))]
    BehindHead {
        /// The first.
        from: u64,
        /// The last.
        to: u64,
    },
    /// The log ends before an anchor.
    #[error(
        "the log ends with entry {last}, and the anchor is of entry {anchor}: its end was cut off, or it is an older copy"
    )]
    CutOff {
        /// The last entry that is there.
        last: u64,
        /// The entry of the anchor.
        anchor: u64,
    },
    /// The entry is not the one that the anchor was made of.
    #[error("entry {0} is not the one of the anchor: the log was written anew")]
    NotTheAnchor(u64),
}

fn entries(from: u64, to: u64) -> String {
    if from == to {
        format!("entry {from} is")
    } else {
        format!("entries {from} to {to} are")
    }
}

/// Verifies the whole log in one read transaction, and that it has the entries of `anchors`.
pub(super) fn verify(shared: &Shared, anchors: &[Anchor]) -> Result<Verification, StoreError> {
    let key = chain_key(shared)?;
    shared.connections.with(|connection| {
        let transaction = connection.transaction()?;
        verify_in(&transaction, &key, anchors)
    })
}

/// As [`verify`], in the present transaction of a connection.
pub(super) fn verify_in(
    transaction: &Connection,
    key: &ChainKey,
    anchors: &[Anchor],
) -> Result<Verification, StoreError> {
    let mut found = Verification::default();
    let head = check_head(transaction, key, &mut found)?;
    let mut walk = Walk {
        key,
        last: head.pruned_seq,
        candidates: vec![head.pruned_mac.clone()],
    };
    // The MACs of the anchors' entries, as they are stored.
    let mut stored: Vec<Option<Vec<u8>>> = vec![None; anchors.len()];
    let mut statement = transaction.prepare(&format!("{SELECT} ORDER BY seq"))?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let seq = u64::try_from(row.get::<_, i64>(0)?).unwrap_or_default();
        found.entries = found.entries.saturating_add(1);
        let entry = recorded(row)?;
        let mac = row.get(15).ok();
        for (anchor, stored) in anchors.iter().zip(&mut stored) {
            if anchor.seq == seq {
                stored.clone_from(&mac);
            }
        }
        walk.step(seq, entry.as_ref(), mac, &mut found);
    }
    let last = walk.last;
    if last < head.seq {
        found.add(Finding::Missing {
            from: last.saturating_add(1),
            to: head.seq,
        });
    } else if last > head.seq {
        found.add(Finding::BehindHead {
            from: head.seq.saturating_add(1),
            to: last,
        });
    } else if found.findings.is_empty() && walk.candidates.first() != Some(&head.mac) {
        found.add(Finding::HeadChanged);
    }
    for (anchor, stored) in anchors.iter().zip(stored) {
        check_anchor(anchor, stored, &head, last, &mut found);
    }
    found.pruned_to = head.pruned_seq;
    found.anchor = Some(Anchor {
        seq: head.seq,
        mac: head.mac,
    });
    Ok(found)
}

/// Reads the head, and says if it is not what was written: the entries are checked all the same.
fn check_head(connection: &Connection, key: &ChainKey, found: &mut Verification) -> Result<Head, StoreError> {
    let head = connection.query_row(SELECT_HEAD, (), head_from_row).optional();
    Ok(match head {
        Ok(Some((head, mac))) => {
            if !key.is_head(&head, &mac) {
                found.add(Finding::HeadChanged);
            }
            head
        }
        Ok(None) => {
            found.add(Finding::HeadMissing);
            Head::empty()
        }
        Err(error) if error.sqlite_error_code().is_none() => {
            found.add(Finding::HeadChanged);
            Head::empty()
        }
        Err(error) => return Err(error.into()),
    })
}

/// The place in the chain.
struct Walk<'k> {
    key: &'k ChainKey,
    /// The number of the last entry.
    last: u64,
    /// The MACs that the next entry may follow: one, or after damage all that may be the right one. None if entries are
    /// missing before it.
    candidates: Vec<Vec<u8>>,
}

impl Walk<'_> {
    /// Goes to the next entry, which is None if it cannot be read. Its MAC may be readable all the same.
    fn step(
        &mut self,
        seq: u64,
        entry: Option<&RecordedEntry>,
        mac: Option<Vec<u8>>,
        found: &mut Verification,
    ) {
        let expected = self.last.saturating_add(1);
        if seq > expected {
            found.add(Finding::Missing {
                from: expected,
                to: seq - 1,
            });
            self.candidates.clear();
        }
        self.last = self.last.max(seq);
        let Some(recorded) = entry else {
            found.add(Finding::Changed(seq));
            self.candidates.splice(0..0, mac);
            self.candidates.truncate(MAX_CANDIDATES);
            return;
        };
        let place = (recorded.chain, seq);
        let follows = |previous: &Vec<u8>| self.key.is_link(previous, place, &recorded.entry, &recorded.mac);
        if seq < expected {
            found.add(Finding::Changed(seq));
        } else if self.candidates.is_empty() || self.candidates.iter().any(follows) {
            // After missing entries, this one cannot be checked; the next one can.
            self.candidates = vec![recorded.mac.clone()];
        } else {
            found.add(Finding::Changed(seq));
            // Its MAC may have been changed, or all else, or it may be in the wrong place.
            let mut next = vec![recorded.mac.clone()];
            let link = |previous: &Vec<u8>| self.key.link(previous, recorded.chain, seq, &recorded.entry);
            next.extend(self.candidates.iter().map(link));
            next.append(&mut self.candidates);
            next.truncate(MAX_CANDIDATES);
            self.candidates = next;
        }
    }
}

fn check_anchor(anchor: &Anchor, stored: Option<Vec<u8>>, head: &Head, last: u64, found: &mut Verification) {
    let stored = match anchor.seq {
        0 => Some(GENESIS.to_vec()),
        seq if seq == head.pruned_seq => Some(head.pruned_mac.clone()),
        seq if seq < head.pruned_seq => {
            found.unchecked_anchors.push(seq);
            return;
        }
        seq if seq > last => {
            found.add(Finding::CutOff { last, anchor: seq });
            return;
        }
        _ => stored,
    };
    // The entry of an anchor is missing: that was found already.
    if let Some(stored) = stored
        && stored != anchor.mac
    {
        found.add(Finding::NotTheAnchor(anchor.seq));
    }
}

impl Verification {
    fn add(&mut self, finding: Finding) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding);
        }
    }
}
