//! The flags of every command.

use clap::{ArgAction, Args, ValueEnum};

use super::super::error::ErrorFormat;

/// Flags of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(in crate::cli) struct GlobalArgs {
    /// Say more on stderr; repeat it for more still
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(in crate::cli) verbose: u8,
    /// Say nothing on stderr but errors
    #[arg(long, short, global = true)]
    pub(in crate::cli) quiet: bool,
    /// Never prompt
    #[arg(long, global = true)]
    pub(in crate::cli) no_input: bool,
    /// When to use colour
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN",
        hide_possible_values = true
    )]
    pub(in crate::cli) color: ColorChoice,
    /// Form of errors on stderr: text, or one line of JSON
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT",
        hide_possible_values = true
    )]
    pub(in crate::cli) error_format: ErrorFormat,
}

impl GlobalArgs {
    /// Flags that turn messages and prompts off.
    pub(in crate::cli) fn silent() -> Self {
        Self {
            verbose: 0,
            quiet: true,
            no_input: true,
            color: ColorChoice::Never,
            error_format: ErrorFormat::Text,
        }
    }
}

/// When colour is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ColorChoice {
    /// On a terminal, unless the environment says otherwise.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}
