//! Which room a command works in.

use std::time::Duration;

use crate::cli::args::room::RoomArgs;
use crate::cli::context::Context;
use crate::settings::{RoomSettings, resolve};
use crate::wire::RoomName;

/// The room that a command works in, its way there, and the command's time: flags, environment and settings file,
/// resolved once for each command. A token that it takes is signed then.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Target {
    pub(super) settings: RoomSettings,
    /// The time for the whole command.
    pub(in crate::cli) timeout: Duration,
}

impl Target {
    /// Resolves the settings.
    ///
    /// # Errors
    /// What is wrong with them, before anything is asked for.
    pub(in crate::cli) fn resolve(context: &Context, args: &RoomArgs) -> anyhow::Result<Self> {
        Ok(Self {
            settings: resolve(&args.overrides(), &context.environment)?,
            timeout: args.timeout,
        })
    }

    /// The same room with another time for the whole command.
    pub(in crate::cli) fn within(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// The room's name.
    pub(in crate::cli) const fn room(&self) -> &RoomName {
        &self.settings.room
    }
}
