//! The time of day. Every layer may use it; it imports none.

use std::time::{SystemTime, UNIX_EPOCH};

/// Unix time in seconds; 0 if the clock is set to a time before 1970.
pub(super) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
