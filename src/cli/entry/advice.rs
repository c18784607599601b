//! What to do about a command line that is common with other tools and means nothing here.

use std::ffi::OsString;

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::cli::error::{CommandError, Kind};

/// The command that the words lead to, as far as they are names of commands.
pub(super) fn reached<'a>(root: &'a Command, arguments: &[OsString]) -> &'a Command {
    let words = arguments.iter().skip(1).filter_map(|word| word.to_str());
    let mut command = root;
    for word in words.filter(|word| !word.starts_with('-')) {
        match command.find_subcommand(word) {
            Some(below) => command = below,
            None => break,
        }
    }
    command
}

/// What is wrong and what is meant, where the parser would only say that it does not know the word. The word is not
/// repeated where it may be a secret.
pub(super) fn advice(error: &clap::Error, command: &Command) -> Option<CommandError> {
    if error.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let flag = word.split_once('=').map_or(word.as_str(), |(flag, _)| flag);
    let has = |long: &str| {
        command
            .get_arguments()
            .any(|argument| argument.get_long() == Some(long))
    };
    if takes_value(command)
        && (!word.starts_with('-') || matches!(flag, "--value" | "--secret" | "--data" | "--body" | "-v"))
    {
        return Some(
            CommandError::new(
                Kind::Usage,
                "a value is not given like that: other users and the shell's history would see it",
            )
            .hint("leave it out and be asked for it, pipe it in, or name its file with --in PATH; --text TEXT insists"),
        );
    }
    let form = ["output", "format"].into_iter().find(|long| has(long))?;
    let is_form = matches!(flag, "--json" | "-o" | "-f" | "--format" | "--output");
    is_form.then(|| {
        CommandError::new(Kind::Usage, format!("there is no {flag} here"))
            .hint(format!("write --{form} json"))
    })
}

/// Whether the command stores a value that it is given.
fn takes_value(command: &Command) -> bool {
    command
        .get_arguments()
        .any(|argument| argument.get_id() == "base64")
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::*;
    use crate::cli::commands::Cli;

    fn said(line: &str) -> Option<(String, String)> {
        let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let error = Cli::try_parse_from(&arguments).unwrap_err();
        let mut root = Cli::command();
        root.build();
        let advice = advice(&error, reached(&root, &arguments))?;
        let failure = crate::cli::error::Failure::of(&advice.into());
        Some((failure.message, failure.hint.unwrap_or_default()))
    }

    #[test]
    fn set_says_how_a_value_is_given_and_does_not_repeat_it() {
        for line in [
            "meshagent room secret set foo canary",
            "meshagent room secret set foo --value canary",
            "meshagent room secret set foo --value=canary",
            "meshagent --quiet room secret set --room r foo canary",
        ] {
            let (message, hint) = said(line).unwrap();
            assert!(
                hint.contains("--in PATH") && !message.contains("canary"),
                "{line}: {message}"
            );
        }
        assert_eq!(said("meshagent room secret set foo --nonsense"), None);
        assert_eq!(said("meshagent room secret get foo bar"), None);
    }

    #[test]
    fn the_form_of_a_list_is_named() {
        for (line, hint) in [
            ("meshagent room secret list --json", "write --output json"),
            ("meshagent room secret list -o json", "write --output json"),
            ("meshagent room secret list --format json", "write --output json"),
            ("meshagent room secret list --format=json", "write --output json"),
            ("meshagent room participant list --json", "write --output json"),
            ("meshagent room secret export --json", "write --format json"),
        ] {
            assert_eq!(said(line).unwrap().1, hint, "{line}");
        }
        assert_eq!(said("meshagent room secret get a --json"), None);
    }
}
