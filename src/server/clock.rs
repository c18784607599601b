//! The time of day.

use std::time::{SystemTime, UNIX_EPOCH};

/// Unix time in seconds; 0 for a clock that stands before 1970.
pub(super) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
