//! The command tree, and the flags that every command or every room command has.

use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use super::commands::{room, token};
use super::context::Context;
use super::duration::parse_seconds;
use super::failure::{ErrorFormat, Outcome};
use crate::settings::Overrides;

/// Secrets of MeshAgent rooms: stored, delegated, asked for and provided.
#[derive(Debug, Parser)]
#[command(
    name = "meshagent",
    version,
    propagate_version = true,
    arg_required_else_help = true
)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: GlobalArgs,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Flags of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct GlobalArgs {
    /// Say more on stderr; repeat it for more still
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(super) verbose: u8,
    /// Say nothing on stderr but errors
    #[arg(long, short, global = true)]
    pub(super) quiet: bool,
    /// Never prompt
    #[arg(long, global = true)]
    pub(super) no_input: bool,
    /// When to use colour
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN",
        hide_possible_values = true
    )]
    pub(super) color: ColorChoice,
    /// Form of errors on stderr: text, or one line of JSON
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT",
        hide_possible_values = true
    )]
    pub(super) error_format: ErrorFormat,
}

/// When colour is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorChoice {
    /// On a terminal, unless the environment says otherwise.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Flags of every command that joins a room.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Room options")]
pub(super) struct RoomArgs {
    /// Room to join [env: MESHAGENT_ROOM]
    #[arg(long, short, value_name = "NAME")]
    pub(super) room: Option<String>,
    /// Project of the room [env: MESHAGENT_PROJECT_ID]
    #[arg(long, value_name = "ID")]
    pub(super) project_id: Option<String>,
    /// Address of the API [env: MESHAGENT_API_URL] [default: https://api.meshagent.com]
    #[arg(long, value_name = "URL")]
    pub(super) api_url: Option<String>,
    /// Join as NAME; needs an API key or --local
    #[arg(long, value_name = "NAME")]
    pub(super) identity: Option<String>,
    /// Use the room on this machine [env: MESHAGENT_LOCAL=1]
    #[arg(long)]
    pub(super) local: bool,
    /// Time for the whole command, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds, default_value = "30")]
    pub(super) timeout: Duration,
}

impl RoomArgs {
    pub(super) fn overrides(&self) -> Overrides {
        Overrides {
            room: self.room.clone(),
            project_id: self.project_id.clone(),
            api_url: self.api_url.clone(),
            identity: self.identity.clone(),
            local: self.local,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Work in a room: its secrets, its server
    #[command(subcommand)]
    Room(room::RoomCommand),
    /// Participant tokens
    #[command(subcommand)]
    Token(token::TokenCommand),
}

impl Command {
    /// Whether this is the server: it has its own way to stop, and logs what it does.
    pub(super) const fn is_server(&self) -> bool {
        matches!(self, Self::Room(room::RoomCommand::Serve(_)))
    }

    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Outcome> {
        match self {
            Self::Room(command) => command.run(context).await,
            Self::Token(command) => command.run(context).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_tree_is_sound() {
        super::Cli::command().debug_assert();
    }
}
