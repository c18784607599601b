//! The command tree, and the flags that every command or every room command has.

use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use super::commands::{auth, completion, help, project, room, token};
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
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = "`meshagent help environment` and `meshagent help exit-codes` say what they are.",
    after_long_help = "\
Examples:
  Store a secret in a room on this machine, and read it:
    $ printf 's3cret' | meshagent room secret set db/password --local --room demo
    $ meshagent room secret get db/password --local --room demo

  Everything about a command, every variable, every exit code:
    $ meshagent help room secret get
    $ meshagent help environment
    $ meshagent help exit-codes"
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

impl GlobalArgs {
    /// Flags under which nothing is said or asked.
    pub(super) fn silent() -> Self {
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
    #[arg(long, conflicts_with = "api_url")]
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
    /// Sign in and out
    #[command(subcommand)]
    Auth(auth::AuthCommand),
    /// Your projects
    #[command(subcommand)]
    Project(project::ProjectCommand),
    /// Participant tokens
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Print the script that completes commands in a shell
    Completion(completion::CompletionArgs),
    /// Explain a command, the environment or the exit codes
    Help(help::HelpArgs),
}

impl Command {
    /// Whether this is the server: it logs what it does.
    pub(super) const fn is_server(&self) -> bool {
        matches!(self, Self::Room(room::RoomCommand::Serve(_)))
    }

    /// Whether signals are to end the command in good order. The server has its own way to stop, and a
    /// command that gives way to another leaves all signals to it.
    pub(super) const fn hears_signals(&self) -> bool {
        match self {
            Self::Room(command) => command.hears_signals(),
            Self::Auth(_) | Self::Project(_) | Self::Token(_) | Self::Completion(_) | Self::Help(_) => true,
        }
    }

    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Outcome> {
        match self {
            Self::Room(command) => command.run(context).await,
            Self::Auth(command) => Box::pin(command.run(context)).await,
            Self::Project(command) => command.run(context).await,
            Self::Token(command) => command.run(context).await,
            Self::Completion(args) => completion::run(context, &args).await,
            Self::Help(args) => help::run(context, &args).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    #[test]
    fn the_command_tree_is_sound() {
        super::Cli::command().debug_assert();
    }

    /// Every `meshagent …` in an example, without what a shell takes away.
    fn commands_of(examples: &str) -> Vec<Vec<String>> {
        let lines = examples.lines().filter_map(|line| line.trim().strip_prefix("$ "));
        let parts = lines.flat_map(|line| line.split(['|', ';']));
        parts
            .filter_map(|part| part.find("meshagent ").and_then(|start| part.get(start..)))
            .map(|part| {
                let words = shlex::split(part).unwrap();
                let mut kept = Vec::new();
                for word in words {
                    if word.starts_with(['>', '<']) || word == "&&" || word == "||" || word == "&" {
                        break;
                    }
                    kept.push(word.trim_end_matches(')').to_owned());
                }
                kept
            })
            .collect()
    }

    fn leaves(command: &clap::Command, found: &mut Vec<clap::Command>) {
        if command.has_subcommands() {
            for below in command.get_subcommands() {
                leaves(below, found);
            }
        } else {
            found.push(command.clone());
        }
    }

    #[test]
    fn every_command_has_examples_and_they_are_right() {
        let mut root = super::Cli::command();
        root.build();
        let mut commands = Vec::new();
        leaves(&root, &mut commands);
        commands.push(root);
        for command in commands {
            let name = command.get_display_name().unwrap_or_default().to_owned();
            let examples = command.get_after_long_help().map(ToString::to_string);
            let examples = examples.unwrap_or_default();
            assert!(examples.starts_with("Examples:\n"), "{name} has no examples");
            let parsed = commands_of(&examples);
            assert!(!parsed.is_empty(), "{name} has no example of itself");
            for words in parsed {
                if let Err(error) = super::Cli::try_parse_from(&words) {
                    panic!("in the examples of {name}: {words:?}: {error}");
                }
            }
        }
    }
}
