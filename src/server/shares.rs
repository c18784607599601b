//! Shares: how much of one thing each holder may have at the same time. Every layer may use it; it imports none.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts what each holder has, up to the same limit for all of them.
#[derive(Debug)]
pub(super) struct Shares<K: Eq + Hash> {
    limit: usize,
    counts: Arc<Mutex<HashMap<K, usize>>>,
}

/// One unit of its holder's share. Dropping it gives the unit back.
#[derive(Debug)]
pub(super) struct Share<K: Eq + Hash> {
    holder: K,
    counts: Arc<Mutex<HashMap<K, usize>>>,
}

impl<K: Eq + Hash + Clone> Shares<K> {
    /// No holders, each of which may have at most `limit` units.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            counts: Arc::default(),
        }
    }

    /// How many units one holder may have.
    pub(super) const fn limit(&self) -> usize {
        self.limit
    }

    /// Takes one unit for `holder`. None if it has as many as it may have.
    pub(super) fn take(&self, holder: K) -> Option<Share<K>> {
        let mut counts = lock(&self.counts);
        match counts.get_mut(&holder) {
            Some(count) if *count >= self.limit => return None,
            Some(count) => *count = count.saturating_add(1),
            None if self.limit == 0 => return None,
            None => {
                counts.insert(holder.clone(), 1);
            }
        }
        drop(counts);
        Some(Share {
            holder,
            counts: Arc::clone(&self.counts),
        })
    }
}

impl<K: Eq + Hash> Drop for Share<K> {
    fn drop(&mut self) {
        let mut counts = lock(&self.counts);
        if let Some(count) = counts.get_mut(&self.holder) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&self.holder);
            }
        }
    }
}

fn lock<K>(counts: &Mutex<HashMap<K, usize>>) -> MutexGuard<'_, HashMap<K, usize>> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_holder_has_the_limit_to_itself_and_gets_back_what_it_drops() {
        let shares = Shares::new(2);
        let first = shares.take("bob").unwrap();
        let _second = shares.take("bob").unwrap();
        assert!(shares.take("bob").is_none());
        let carol = shares.take("carol").unwrap();
        drop(first);
        assert!(shares.take("bob").is_some());
        drop(carol);
        assert!(!lock(&shares.counts).contains_key("carol"));
    }

    #[test]
    fn a_limit_of_none_gives_nothing() {
        assert!(Shares::new(0).take("bob").is_none());
    }
}
