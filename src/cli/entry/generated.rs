//! The files that are made from the command tree: man pages. They are kept in the project, and
//! a test says when they are stale.

use std::io;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

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
    let man = Man::new(command.clone())
        .manual("meshagent")
        .source("meshagent")
        .date("");
    let mut page = Vec::new();
    man.render(&mut page)?;
    if !command.has_subcommands() || command.get_name() == "meshagent" {
        see_also().to_writer(&mut page)?;
    }
    if command.get_name() == "meshagent" {
        topic("EXIT STATUS", Topic::ExitCodes).to_writer(&mut page)?;
        topic("ENVIRONMENT", Topic::Environment).to_writer(&mut page)?;
    }
    files.push((Path::new("docs/man").join(man.get_filename()), page));
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        man_pages(below, files)?;
    }
    Ok(())
}

fn topic(heading: &str, topic: Topic) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", [heading]);
    roff.control("nf", []);
    // The first line is the heading.
    for line in topic.text().lines().skip(2) {
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
