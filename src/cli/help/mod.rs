//! What `meshagent help` knows beside the commands: its topics.

mod environment;
mod exit_codes;

use std::collections::BTreeSet;

/// The names of all variables that a command looks at.
pub(super) fn environment_variables() -> BTreeSet<&'static str> {
    environment::names()
}

/// Something to read that is no command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    Environment,
    ExitCodes,
}

impl Topic {
    /// The topic of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "environment" | "env" => Some(Self::Environment),
            "exit-codes" | "exit-code" => Some(Self::ExitCodes),
            _ => None,
        }
    }

    /// What there is to read.
    pub(super) fn text(self) -> String {
        match self {
            Self::Environment => environment::text(),
            Self::ExitCodes => exit_codes::text(),
        }
    }
}
