//! The command tree. Its folders mirror it: one file for each command, with its arguments and one async function.

mod api_key;
mod auth;
mod completion;
mod help;
mod project;
mod room;
mod token;
mod version;

use clap::{Parser, Subcommand};

use super::args::deferred::Deferred;
use super::args::log_format::LogArgs;
use super::context::Context;
use super::error::Outcome;
use super::ui::options::GlobalArgs;

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
    $ printf 's3cret' \\
        | meshagent room secret set db/password --local --room demo
    $ meshagent room secret get db/password --local --room demo

  Everything about a command, every variable, every exit code:
    $ meshagent help room secret get
    $ meshagent help environment
    $ meshagent help exit-codes"
)]
pub(in crate::cli) struct Cli {
    #[command(flatten)]
    pub(in crate::cli) global: GlobalArgs,
    #[command(subcommand)]
    pub(in crate::cli) command: Command,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Command {
    /// Work in a room: its secrets, its server
    #[command(subcommand)]
    Room(Deferred<Box<room::RoomCommand>>),
    /// Sign in and out
    #[command(subcommand)]
    Auth(Deferred<auth::AuthCommand>),
    /// Your projects
    #[command(subcommand)]
    Project(Deferred<project::ProjectCommand>),
    /// API keys of the room server on this machine
    #[command(subcommand)]
    ApiKey(Deferred<api_key::ApiKeyCommand>),
    /// Participant tokens
    #[command(subcommand)]
    Token(Deferred<token::TokenCommand>),
    /// Print the script that completes commands in a shell
    Completion(Deferred<completion::CompletionArgs>),
    /// Print the version
    #[command(after_long_help = version::EXAMPLES)]
    Version,
    /// Explain a command, the environment or the exit codes
    Help(Deferred<help::HelpArgs>),
}

impl Command {
    /// The flags for the log, if this is the server: it logs what it does.
    pub(in crate::cli) const fn server_log(&self) -> Option<&LogArgs> {
        match self {
            Self::Room(Deferred(command)) => command.server_log(),
            _ => None,
        }
    }

    /// Whether signals are to end the command in good order. The server has its own way to stop, and a
    /// command that gives way to another leaves all signals to it.
    pub(in crate::cli) const fn hears_signals(&self) -> bool {
        match self {
            Self::Room(Deferred(command)) => command.hears_signals(),
            Self::Auth(_)
            | Self::Project(_)
            | Self::ApiKey(_)
            | Self::Token(_)
            | Self::Completion(_)
            | Self::Version
            | Self::Help(_) => true,
        }
    }

    pub(in crate::cli) async fn run(self, context: &Context) -> anyhow::Result<Outcome> {
        match self {
            Self::Room(Deferred(command)) => command.run(context).await,
            Self::Auth(Deferred(command)) => Box::pin(command.run(context)).await,
            Self::Project(Deferred(command)) => command.run(context).await,
            Self::ApiKey(Deferred(command)) => command.run(context).await,
            Self::Token(Deferred(command)) => command.run(context).await,
            Self::Completion(Deferred(args)) => completion::run(context, &args).await,
            Self::Version => version::run(context).await,
            Self::Help(Deferred(args)) => help::run(context, &args).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use crate::cli::completion::with_values;

    #[test]
    fn the_command_tree_is_sound() {
        super::Cli::command().debug_assert();
    }

    /// Every `meshagent …` in an example, without what a shell takes away.
    fn commands_of(examples: &str) -> Vec<Vec<String>> {
        let examples = examples.replace("\\\n", " ");
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
                    if word.starts_with("$(") {
                        // What a substitution gives is not known: the flag that takes it is left out.
                        kept.pop();
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

    #[test]
    fn every_line_of_an_example_fits_a_terminal_of_80_columns() {
        let mut root = super::Cli::command();
        root.build();
        let mut commands = Vec::new();
        leaves(&root, &mut commands);
        commands.push(root);
        for command in commands {
            let examples = command.get_after_long_help().map(ToString::to_string);
            for line in examples.unwrap_or_default().lines() {
                assert!(line.chars().count() <= 80, "{line}");
            }
        }
    }

    /// Whether the argument completes from the room.
    fn completes(command: &clap::Command, name: &str, argument: &str) -> bool {
        let secret = command
            .find_subcommand("room")
            .unwrap()
            .find_subcommand("secret")
            .unwrap();
        let arguments = secret.find_subcommand(name).unwrap().get_arguments();
        let mut arguments = arguments.filter(|found| found.to_string().contains(argument));
        arguments
            .next()
            .unwrap()
            .get::<clap_complete::engine::ArgValueCompleter>()
            .is_some()
    }

    #[test]
    fn arguments_that_complete_from_the_room() {
        let mut command = with_values(super::Cli::command());
        command.build();
        for (name, argument) in [
            ("get", "[ID]"),
            ("get", "--id"),
            ("set", "[ID]"),
            ("exists", "[ID]"),
            ("delete", "[ID]"),
            ("delete", "--id"),
            ("export", "[ID]"),
            ("export", "--env-secret"),
            ("run", "--env-secret"),
            ("request", "--from <"),
            ("request", "--from-participant-id"),
            ("oauth", "--from <"),
            ("git-credential", "--from <"),
            ("git-credential", "--id"),
            ("provide", "--secret"),
        ] {
            assert!(completes(&command, name, argument), "{name} {argument}");
        }
        assert!(!completes(&command, "oauth", "--client-id"));
        assert!(!completes(&command, "get", "--room"));
    }
}
