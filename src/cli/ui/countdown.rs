//! Says what is waited for and until when: a line, and on a terminal one that moves.

use std::fmt::Write;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::Ui;
use super::spinner::TICK;

/// A wait that is shown; dropping it takes the moving line away.
#[derive(Debug)]
pub(in crate::cli) struct Countdown(Option<ProgressBar>);

impl Ui {
    /// Shows that `what` is waited for, and the time that is left.
    pub(in crate::cli) fn waiting(&self, what: &str, limit: Duration) -> Countdown {
        if !self.shows_progress() {
            self.note(&format!("{what} (up to {}).", spoken(limit)));
            return Countdown(None);
        }
        self.busy().end();
        let deadline = Instant::now() + limit;
        let left = move |_: &ProgressState, to: &mut dyn Write| {
            // Writing to a line that is being drawn does not fail.
            let _ = to.write_str(&spoken(deadline.saturating_duration_since(Instant::now())));
        };
        let style = ProgressStyle::with_template("{spinner} ({left} left) {wide_msg}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner())
            .with_key("left", left);
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style);
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(TICK);
        Countdown(Some(bar))
    }
}

impl Drop for Countdown {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// A duration in whole seconds, as `5m 3s`.
pub(in crate::cli) fn spoken(duration: Duration) -> String {
    let rounded = duration.saturating_add(Duration::from_millis(500)).as_secs();
    humantime::format_duration(Duration::from_secs(rounded)).to_string()
}
