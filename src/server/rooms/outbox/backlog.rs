//! A queue with at most one value for each key.

use std::collections::BTreeMap;

/// Values by key, first in, first out. A value that replaces another takes its place in the queue.
#[derive(Debug)]
pub(super) struct Backlog<K, V> {
    entries: BTreeMap<u64, (K, V)>,
    turns: BTreeMap<K, u64>,
    next_turn: u64,
}

impl<K, V> Default for Backlog<K, V> {
    fn default() -> Self {
        Self {
            entries: BTreeMap::new(),
            turns: BTreeMap::new(),
            next_turn: 0,
        }
    }
}

impl<K: Clone + Ord, V> Backlog<K, V> {
    /// Replaces the value of the key, if there is one, by what `merge` makes of it; `None` removes it.
    pub(super) fn merge(&mut self, key: K, merge: impl FnOnce(Option<V>) -> Option<V>) {
        let turn = self.turns.get(&key).copied();
        let earlier = turn.and_then(|turn| self.entries.remove(&turn));
        match (merge(earlier.map(|(_, value)| value)), turn) {
            (Some(value), Some(turn)) => {
                self.entries.insert(turn, (key, value));
            }
            (Some(value), None) => {
                self.turns.insert(key.clone(), self.next_turn);
                self.entries.insert(self.next_turn, (key, value));
                self.next_turn = self.next_turn.wrapping_add(1);
            }
            (None, _) => {
                self.turns.remove(&key);
            }
        }
    }

    /// Takes the oldest value.
    pub(super) fn pop(&mut self) -> Option<(K, V)> {
        let (_, (key, value)) = self.entries.pop_first()?;
        self.turns.remove(&key);
        Some((key, value))
    }

    /// Whether the queue is empty.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merged_value_keeps_its_place() {
        let mut backlog = Backlog::default();
        for (key, value) in [("a", 1), ("b", 2), ("c", 3), ("a", 10)] {
            backlog.merge(key, |earlier| Some(earlier.unwrap_or_default() + value));
        }
        backlog.merge("b", |_| None);
        backlog.merge("absent", |_| None);
        assert_eq!(backlog.pop(), Some(("a", 11)));
        // A value that was taken is not merged with.
        backlog.merge("a", |earlier| earlier.or(Some(5)));
        assert_eq!([backlog.pop(), backlog.pop()], [Some(("c", 3)), Some(("a", 5))]);
        assert!(backlog.is_empty() && backlog.pop().is_none() && backlog.turns.is_empty());
    }
}
