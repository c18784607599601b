//! Says what a command does when it takes more than a second: a line on stderr that moves, where that is a
//! terminal. It is cleared for every other message.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Ui;

/// What takes less than this is over before anybody wonders.
pub(in crate::cli) const PATIENCE: Duration = Duration::from_secs(1);

/// How often a line moves.
pub(in crate::cli) const TICK: Duration = Duration::from_millis(120);

/// The line, of which a command has one.
#[derive(Debug, Clone, Default)]
pub(in crate::cli) struct Busy(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    what: String,
    line: Option<ProgressBar>,
    /// Another message is shown: the line is cleared for good.
    over: bool,
}

impl Busy {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says from now on that this is done.
    pub(in crate::cli) fn doing(&self, what: String) {
        let mut state = self.state();
        if let Some(line) = &state.line {
            line.set_message(what.clone());
        }
        state.what = what;
    }

    fn show(&self) {
        let mut state = self.state();
        if state.over {
            return;
        }
        let style = ProgressStyle::with_template("{spinner} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        let line = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style);
        line.set_message(state.what.clone());
        line.enable_steady_tick(TICK);
        state.line = Some(line);
    }

    /// Takes the line away for good.
    pub(in crate::cli) fn end(&self) {
        let mut state = self.state();
        state.over = true;
        if let Some(line) = state.line.take() {
            line.finish_and_clear();
        }
    }
}

/// Ends the spinner when dropped.
struct SpinnerGuard<'a>(&'a Busy);

impl Drop for SpinnerGuard<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Ui {
    /// Does `work`. Once it has taken a second, shows what [`Busy::doing`] was told.
    pub(in crate::cli) async fn while_busy<T>(&self, work: impl Future<Output = T>) -> T {
        if !self.shows_progress() {
            return work.await;
        }
        let mut work = pin!(work);
        let guard = SpinnerGuard(self.busy());
        tokio::select! {
            biased;
            outcome = &mut work => return outcome,
            () = tokio::time::sleep(PATIENCE) => guard.0.show(),
        }
        work.await
    }
}
