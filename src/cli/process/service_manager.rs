//! What the service manager that started the server is told (sd_notify(3)): that it is ready, reloads or stops, and that it
//! works (the watchdog). Nothing happens where no service manager wants to know.

use std::fmt::Display;
use std::time::Duration;

use sd_notify::{NotifyState, notify};
use tokio::time::{MissedTickBehavior, interval};

/// The server can be used. `status` says how, to people.
pub(in crate::cli) fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// The server begins to read its configuration again; [`ready`] ends that.
pub(in crate::cli) fn reloading() {
    // Where the clock cannot be read, the manager takes the time of the message.
    let now = NotifyState::monotonic_usec_now().ok();
    let states: Vec<_> = std::iter::once(NotifyState::Reloading).chain(now).collect();
    tell(&states);
}

/// The server begins to stop.
pub(in crate::cli) fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("Stopping")]);
}

/// Says that the server works twice in the time after which the manager takes it for hung (`WATCHDOG_USEC`), as long as
/// `check` does not fail. Never completes.
pub(in crate::cli) async fn watch<E: Display>(check: impl AsyncFn() -> Result<(), E>) {
    match sd_notify::watchdog_enabled() {
        Some(time) => watch_every(time / 2, check, || tell(&[NotifyState::Watchdog])).await,
        None => std::future::pending().await,
    }
}

async fn watch_every<E: Display>(
    time: Duration,
    check: impl AsyncFn() -> Result<(), E>,
    mut alive: impl FnMut(),
) {
    // A time of 0 has no intervals.
    let mut ticks = interval(time.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match check().await {
            Ok(()) => alive(),
            Err(reason) => tracing::error!(%reason, "the service manager is not told that the server works"),
        }
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = notify(states) {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use tokio::time::{Instant, timeout};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_watchdog_is_fed_only_while_the_check_succeeds() {
        let (start, checks) = (Instant::now(), Cell::new(0));
        let fed = RefCell::new(Vec::new());
        let check = async || {
            checks.set(checks.get() + 1);
            if (2..=3).contains(&checks.get()) {
                return Err("the store does not answer");
            }
            Ok(())
        };
        let alive = || fed.borrow_mut().push(start.elapsed().as_secs());
        let watching = watch_every(Duration::from_secs(10), check, alive);
        timeout(Duration::from_secs(45), watching).await.unwrap_err();
        assert_eq!(*fed.borrow(), [0, 30, 40]);
    }
}
