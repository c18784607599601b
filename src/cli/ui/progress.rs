//! How far something is that takes a while: on stderr, where that is a terminal.

use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Ui;
use super::spinner::PATIENCE;

/// A progress bar that counts steps. It is shown after a second, and cleared when this is dropped.
#[derive(Debug)]
pub(in crate::cli) struct Progress {
    bar: ProgressBar,
    started: Instant,
    /// Whether the user wants to see it.
    shown: bool,
}

impl Progress {
    /// `total` steps of `what`.
    pub(in crate::cli) fn new(ui: &Ui, what: &'static str, total: usize) -> Self {
        ui.busy().end();
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
            shown: ui.shows_progress(),
        }
    }

    /// One step is done.
    pub(in crate::cli) fn step(&self) {
        self.bar.inc(1);
        if self.shown && self.bar.is_hidden() && self.started.elapsed() > PATIENCE {
            // It stays hidden where stderr is no terminal.
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }

    /// Clears the bar before the next message.
    pub(in crate::cli) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
