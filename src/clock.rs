//! The time of day.

use std::time::{SystemTime, UNIX_EPOCH};

/// Unix time in seconds; 0 if the clock is set to a time before 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// Unix time in milliseconds; 0 if the clock is set to a time before 1970.
#[cfg(feature = "server")]
pub(crate) fn now_millis() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
