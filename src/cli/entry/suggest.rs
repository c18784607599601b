//! The command that was meant, where the one that was typed does not exist.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory};

use crate::cli::commands::Cli;

/// How alike two words must be, as the parser has it for its own suggestions.
const ALIKE: f64 = 0.7;

/// What other tools call our commands.
const ELSEWHERE: &[(&str, &str)] = &[
    ("add", "set"),
    ("create", "set"),
    ("fetch", "get"),
    ("put", "set"),
    ("read", "get"),
    ("remove", "delete"),
    ("reveal", "get"),
    ("save", "set"),
    ("show", "get"),
    ("store", "set"),
    ("unset", "delete"),
    ("view", "get"),
    ("write", "set"),
];

/// Adds to an error about an unknown command where in the tree the command is that was meant.
pub(in crate::cli) fn improve(error: &mut clap::Error) {
    if error.kind() != ErrorKind::InvalidSubcommand || error.get(ContextKind::SuggestedSubcommand).is_some() {
        return;
    }
    let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidSubcommand) else {
        return;
    };
    let found = meant(typed);
    if !found.is_empty() {
        error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(found));
    }
}

/// The commands, with all the words that lead there, that `typed` may have meant.
fn meant(typed: &str) -> Vec<String> {
    let known = ELSEWHERE.iter().find(|(word, _)| *word == typed);
    let typed = known.map_or(typed, |(_, ours)| ours);
    let mut found = Vec::new();
    let mut root = Cli::command();
    root.build();
    walk(&root, "meshagent", &mut |command, path| {
        let names = std::iter::once(command.get_name()).chain(command.get_all_aliases());
        let likeness = names.map(|name| strsim::jaro(typed, name)).fold(0.0, f64::max);
        if likeness > ALIKE {
            found.push((likeness, path.to_owned()));
        }
    });
    let best = found.iter().map(|(likeness, _)| *likeness).fold(0.0, f64::max);
    let as_good = |(likeness, path): (f64, String)| (likeness >= best).then_some(path);
    found.into_iter().filter_map(as_good).collect()
}

fn walk(command: &Command, path: &str, visit: &mut impl FnMut(&Command, &str)) {
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        let path = format!("{path} {}", below.get_name());
        visit(below, &path);
        walk(below, &path, visit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_found_wherever_it_is() {
        assert_eq!(meant("secret"), ["meshagent room secret"]);
        assert_eq!(meant("secrets"), ["meshagent room secret"]);
        assert_eq!(meant("scret"), ["meshagent room secret"]);
        assert_eq!(meant("fetch"), ["meshagent room secret get"]);
        assert_eq!(meant("qqq"), [""; 0]);
    }
}
