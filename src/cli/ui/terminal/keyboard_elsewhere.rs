//! On systems where reading the terminal would block everything else, `provide` does not ask.

use std::convert::Infallible;
use std::io;

use super::console::Console;
use super::input::{Echo, PromptInput};

/// The keyboard of the terminal; there is none.
#[derive(Debug)]
pub(in crate::cli) struct Keyboard<'a> {
    _console: &'a Console,
    nobody: Infallible,
}

impl<'a> Keyboard<'a> {
    pub(in crate::cli) fn open(_console: &'a Console) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(in crate::cli) async fn ask(&self, _question: &str, _echo: Echo) -> io::Result<PromptInput> {
        match self.nobody {}
    }

    pub(in crate::cli) async fn quiet(&self) {
        match self.nobody {}
    }
}
