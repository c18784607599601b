//! Waits for the expiry of a participant's token.

use std::future::pending;
use std::time::Duration;

use tokio::time::sleep;

use crate::token::CLOCK_LEEWAY_SECONDS;

/// Longest time between two looks at the clock, which may be set or go on while the machine sleeps.
const CHECK_INTERVAL: Duration = Duration::from_secs(30);

/// Waits until a token that expires at `expires_at` would no longer be accepted for joining. Times are in
/// Unix seconds; `now` gives the present one.
pub(super) async fn expired(expires_at: Option<u64>, now: impl Fn() -> u64) {
    let Some(expires_at) = expires_at else {
        return pending().await;
    };
    let end = expires_at.saturating_add(CLOCK_LEEWAY_SECONDS);
    loop {
        let left = end.saturating_sub(now());
        if left == 0 {
            return;
        }
        sleep(Duration::from_secs(left).min(CHECK_INTERVAL)).await;
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_token_expires_when_it_could_not_join_any_more() {
        let is_over = |expires_at, now: u64| expired(expires_at, move || now).now_or_never().is_some();
        assert!(!is_over(Some(1000), 1029));
        assert!(is_over(Some(1000), 1030));
        assert!(is_over(Some(1000), 5000));
        assert!(!is_over(Some(u64::MAX), 5000));
        assert!(!is_over(None, u64::MAX));
    }
}
