//! What every command gets.

use super::ui::Ui;
use crate::settings::Environment;

/// What every command gets: a way to speak, and the environment it was started in.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) ui: Ui,
    pub(super) environment: Environment,
}
