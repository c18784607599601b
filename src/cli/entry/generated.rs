//! The files that are made from the command tree: man pages. They are kept in the project, and
//! a test says when they are stale.

use std::io;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, italic, roman};

use crate::cli::commands::Cli;
use crate::cli::help::Topic;

/// The generated files, by their path in the project: `docs/man/`.
///
/// # Errors
/// None in practice: they are made in memory.
pub fn generated_files() -> io::Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut files = Vec::new();
    let mut command = Cli::command();
    command.build();
    man_pages(&command, &mut files)?;
    Ok(files)
}

/// The page of a command, and those of the commands below it.
fn man_pages(command: &Command, files: &mut Vec<(PathBuf, Vec<u8>)>) -> io::Result<()> {
    let shown = command
        .clone()
        .mut_args(|argument| argument.hide_possible_values(false));
    let man = Man::new(shown).manual("meshagent").source("meshagent").date("");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    synopsis(command).to_writer(&mut page)?;
    man.render_description_section(&mut page)?;
    if command.get_arguments().any(|argument| !argument.is_hide_set()) {
        man.render_options_section(&mut page)?;
    }
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    if let Some(examples) = command.get_after_long_help() {
        verbatim("EXAMPLES", examples.to_string().lines().skip(1)).to_writer(&mut page)?;
    }
    if !command.has_subcommands() || command.get_name() == "meshagent" {
        see_also().to_writer(&mut page)?;
    }
    if command.get_name() == "meshagent" {
        topic("EXIT STATUS", Topic::ExitCodes).to_writer(&mut page)?;
        topic("ENVIRONMENT", Topic::Environment).to_writer(&mut page)?;
    }
    files.push((
        Path::new("docs/man").join(man.get_filename()),
        with_one_preamble(&page),
    ));
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        man_pages(below, files)?;
    }
    Ok(())
}

/// The page without the definitions that each section repeats before it.
fn with_one_preamble(page: &[u8]) -> Vec<u8> {
    const PREAMBLE: [&[u8]; 2] = [b".ie \\n(.g .ds Aq", b".el .ds Aq"];
    let is_preamble = |line: &&[u8]| PREAMBLE.iter().any(|start| line.starts_with(start));
    let (preamble, rest): (Vec<&[u8]>, Vec<&[u8]>) =
        page.split_inclusive(|byte| *byte == b'\n').partition(is_preamble);
    let first = preamble.into_iter().take(PREAMBLE.len());
    first.chain(rest).collect::<Vec<_>>().concat()
}

/// How the command is called: its own flags in the order of the help, each with its value, then its arguments. The
/// generator of the rest of the page has all flags without their values, those of every command among them.
fn synopsis(command: &Command) -> Roff {
    let mut line = vec![bold(command.get_bin_name().unwrap_or_else(|| command.get_name()))];
    let own = command.get_arguments().filter(|argument| {
        let is_built_in = matches!(argument.get_id().as_str(), "help" | "version");
        !(argument.is_hide_set() || argument.is_global_set() || is_built_in)
    });
    let (positional, flags): (Vec<&Arg>, Vec<&Arg>) = own.partition(|argument| argument.is_positional());
    for argument in flags {
        let (open, close) = brackets(argument.is_required_set());
        let repeats = matches!(argument.get_action(), ArgAction::Append | ArgAction::Count);
        line.push(roman(format!(" {open}")));
        line.push(bold(
            argument
                .get_long()
                .map_or_else(String::new, |long| format!("--{long}")),
        ));
        if argument.get_action().takes_values() {
            for value in argument.get_value_names().unwrap_or_default() {
                line.extend([roman(" "), italic(value.as_str())]);
            }
        }
        line.push(roman(format!("{close}{}", if repeats { "..." } else { "" })));
    }
    line.push(roman(" [global options]"));
    for argument in positional {
        let (open, close) = brackets(argument.is_required_set());
        let is_last = argument.is_trailing_var_arg_set();
        let repeats = argument
            .get_num_args()
            .is_some_and(|count| count.max_values() > 1);
        line.push(roman(if is_last {
            format!(" -- {open}")
        } else {
            format!(" {open}")
        }));
        for value in argument.get_value_names().unwrap_or_default() {
            line.push(italic(value.as_str()));
        }
        line.push(roman(format!("{close}{}", if repeats { "..." } else { "" })));
    }
    if command.has_subcommands() {
        line.extend([roman(" "), italic("COMMAND")]);
    }
    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]);
    roff.text(line);
    roff
}

const fn brackets(is_required: bool) -> (&'static str, &'static str) {
    if is_required { ("", "") } else { ("[", "]") }
}

fn topic(heading: &str, topic: Topic) -> Roff {
    // The first line is the heading.
    verbatim(heading, topic.text().lines().skip(2))
}

/// A section whose lines stay as they are.
fn verbatim<'a>(heading: &str, lines: impl Iterator<Item = &'a str>) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", [heading]);
    roff.control("nf", []);
    for line in lines {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
    roff
}

fn see_also() -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["SEE ALSO"]);
    roff.text([roman(
        "meshagent(1), `meshagent help environment`, `meshagent help exit-codes`",
    )]);
    roff
}
