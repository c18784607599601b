//! Arguments whose definitions are made when the parser reaches their command.

use clap::builder::Resettable;
use clap::error::Error;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, Id, Subcommand};

/// What belongs to a command, defined when the parser reaches it.
///
/// A derived command tree defines all arguments of all commands at each start, which is more work than all else that
/// a command does before it connects. With this around what each command takes, the parser defines those of the commands
/// on its way alone. `Command::build` defines all that is left, for those who walk the tree.
#[derive(Debug)]
pub(in crate::cli) struct Deferred<T>(pub(in crate::cli) T);

impl<T: FromArgMatches> FromArgMatches for Deferred<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches(matches).map(Self)
    }

    fn from_arg_matches_mut(matches: &mut ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches_mut(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches(matches)
    }

    fn update_from_arg_matches_mut(&mut self, matches: &mut ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches_mut(matches)
    }
}

impl<T: Args> Args for Deferred<T> {
    fn group_id() -> Option<Id> {
        T::group_id()
    }

    fn augment_args(command: Command) -> Command {
        command.defer(|command| define(command, T::augment_args))
    }

    fn augment_args_for_update(command: Command) -> Command {
        command.defer(|command| define(command, T::augment_args_for_update))
    }
}

impl<T: Subcommand> Subcommand for Deferred<T> {
    fn augment_subcommands(command: Command) -> Command {
        command.defer(T::augment_subcommands)
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        command.defer(T::augment_subcommands_for_update)
    }

    fn has_subcommand(name: &str) -> bool {
        T::has_subcommand(name)
    }
}

/// Adds to a command what belongs to it, so that the result is the same as without [`Deferred`].
fn define(command: Command, augment: fn(Command) -> Command) -> Command {
    // A description of a group of flags must not replace that of the command, which is there already.
    let about = command.get_about().cloned();
    let long_about = command.get_long_about().cloned();
    // The global flags are there already too. The help shows headings in the order of the arguments.
    let inherited = command.get_arguments().count();
    let command = augment(command)
        .about(Resettable::from(about))
        .long_about(Resettable::from(long_about));
    with_first_arguments_last(command, inherited)
}

/// Moves the first `count` arguments behind the others.
fn with_first_arguments_last(command: Command, count: usize) -> Command {
    let mut arguments = Vec::new();
    let command = command.mut_args(|argument| {
        arguments.push(argument);
        Arg::default()
    });
    let count = count.min(arguments.len());
    arguments.rotate_left(count);
    let mut arguments = arguments.into_iter();
    command.mut_args(|empty| arguments.next().unwrap_or(empty))
}
