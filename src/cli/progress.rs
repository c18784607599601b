//! How far something is that takes a while: on stderr, where that is a terminal.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What takes less than this is over before anybody wonders.
const PATIENCE: Duration = Duration::from_secs(1);

/// Steps of work, counted before the user's eyes once it has taken a second. It is gone when it is dropped.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    started: Instant,
}

impl Progress {
    /// `total` steps of `what`.
    pub(super) fn new(what: &'static str, total: usize) -> Self {
        let total = u64::try_from(total).unwrap_or(u64::MAX);
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
        // Not as wide as the terminal: what Ctrl-C leaves on it must be on the same line, to be cleared too.
        if let Ok(style) = ProgressStyle::with_template("{msg} {pos} of {len} [{bar:30}] {eta}") {
            bar.set_style(style);
        }
        bar.set_message(what);
        Self {
            bar,
            started: Instant::now(),
        }
    }

    /// One step is done. `shown` says whether the user wants to see it.
    pub(super) fn step(&self, shown: bool) {
        self.bar.inc(1);
        if shown && self.bar.is_hidden() && self.started.elapsed() > PATIENCE {
            // It stays hidden where stderr is no terminal.
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }

    /// Makes room for what is said next.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
