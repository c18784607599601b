//! Keeps what happens often from filling the log. Every layer may use it; it imports none.

use std::time::{Duration, Instant};

/// Shortest time between two log lines of one kind.
const INTERVAL: Duration = Duration::from_secs(10);

/// Counts events of one kind, of which the first is logged at once, and those after it together, at most once in
/// [`INTERVAL`].
#[derive(Debug, Default)]
pub(super) struct LogInterval {
    logged: Option<Instant>,
    count: u64,
}

impl LogInterval {
    /// Counts an event. Returns how many have happened since the last log line, if there should be one now.
    pub(super) fn event(&mut self, now: Instant) -> Option<u64> {
        self.count = self.count.saturating_add(1);
        let recent = |logged| now.saturating_duration_since(logged) < INTERVAL;
        if self.logged.is_some_and(recent) {
            return None;
        }
        self.logged = Some(now);
        Some(std::mem::take(&mut self.count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_event_is_logged_at_once_and_those_after_it_together() {
        let mut events = LogInterval::default();
        let start = Instant::now();
        assert_eq!(events.event(start), Some(1));
        for second in 1..10 {
            assert_eq!(events.event(start + Duration::from_secs(second)), None);
        }
        assert_eq!(events.event(start + INTERVAL), Some(10));
        assert_eq!(events.event(start + INTERVAL), None);
    }
}
