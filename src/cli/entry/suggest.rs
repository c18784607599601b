//! The command that was meant, where the one that was typed does not exist.

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// How many letters of a word may be wrong, left out, added or exchanged: one in three, and one at least.
fn most_faults(word: &str) -> usize {
    (word.chars().count() / 3).max(1)
}

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

/// Says in an error about an unknown command which one was meant, and where in the tree it is. `command` is where the
/// words before it lead.
pub(super) fn improve(error: &mut clap::Error, root: &Command, command: &Command) {
    if error.kind() != ErrorKind::InvalidSubcommand {
        return;
    }
    let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidSubcommand) else {
        return;
    };
    let found = meant(typed, root, command);
    if !found.is_empty() {
        error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(found));
    }
}

/// The commands that `typed` may have meant: below `command`, else anywhere, with all the words that lead there.
fn meant(typed: &str, root: &Command, command: &Command) -> Vec<String> {
    let known = ELSEWHERE.iter().find(|(word, _)| *word == typed);
    let ours = known.map_or(typed, |(_, ours)| ours);
    let mut found = Vec::new();
    walk(root, "meshagent", &mut |parent, below, path| {
        let names = std::iter::once(below.get_name()).chain(below.get_all_aliases());
        let Some(faults) = names.map(|name| strsim::osa_distance(ours, name)).min() else {
            return;
        };
        if faults <= most_faults(ours) {
            let is_elsewhere = parent != command.get_bin_name();
            found.push(((is_elsewhere, faults), path.to_owned()));
        }
    });
    let best = found.iter().map(|(rank, _)| *rank).min();
    let as_good = |(rank, path)| (Some(rank) == best).then_some(path);
    found.into_iter().filter_map(as_good).collect()
}

fn walk(command: &Command, path: &str, visit: &mut impl FnMut(Option<&str>, &Command, &str)) {
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        let path = format!("{path} {}", below.get_name());
        visit(command.get_bin_name(), below, &path);
        walk(below, &path, visit);
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::commands::Cli;

    #[test]
    fn a_command_is_found_wherever_it_is() {
        let mut root = Cli::command();
        root.build();
        let secret = root
            .find_subcommand("room")
            .unwrap()
            .find_subcommand("secret")
            .unwrap();
        let anywhere = |typed| meant(typed, &root, &root);
        let here = |typed| meant(typed, &root, secret);
        assert_eq!(anywhere("secret"), ["meshagent room secret"]);
        assert_eq!(anywhere("secrets"), ["meshagent room secret"]);
        assert_eq!(anywhere("secert"), ["meshagent room secret"]);
        assert_eq!(anywhere("fetch"), ["meshagent room secret get"]);
        assert_eq!(here("remove"), ["meshagent room secret delete"]);
        assert_eq!(here("delte"), ["meshagent room secret delete"]);
        assert_eq!(here("improt"), ["meshagent room secret import"]);
        assert_eq!(here("qqq"), [""; 0]);
    }
}
