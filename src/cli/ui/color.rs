//! Whether output has colour.

use std::io::{self, IsTerminal};

use super::options::ColorChoice;

/// Whether colour goes to stderr: the flag, then `NO_COLOR`, `CLICOLOR_FORCE`, `TERM=dumb`, then
/// whether it is a terminal.
pub(super) fn wants_color(choice: ColorChoice) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto if set("NO_COLOR") => false,
        ColorChoice::Auto if std::env::var_os("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
        ColorChoice::Auto => !is_dumb_terminal() && io::stderr().is_terminal(),
    }
}

pub(super) fn is_dumb_terminal() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}
