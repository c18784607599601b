//! A terminal that is asked and told things at the same time: what is said while a question is open goes
//! above it.

use std::cell::RefCell;
use std::fs::File;
use std::io::Write;
#[cfg(unix)]
use std::io::{self, IsTerminal};

use unicode_width::UnicodeWidthStr;

use crate::cli::ui::Ui;
use crate::cli::ui::stderr::prompt;

/// Says things beside an open question.
#[derive(Debug)]
pub(in crate::cli) struct Console {
    ui: Ui,
    /// The terminal itself, where stderr is none.
    terminal: Option<File>,
    /// The question that is open, with what was typed as far as it is shown.
    open: RefCell<Option<String>>,
}

impl Console {
    pub(in crate::cli) fn new(ui: &Ui) -> Self {
        Self {
            ui: ui.clone(),
            terminal: None,
            open: RefCell::new(None),
        }
    }

    /// As [`Console::new`], for a question that has to be seen: it goes to the terminal even where stderr goes
    /// elsewhere.
    #[cfg(unix)]
    pub(super) fn seen(ui: &Ui) -> Self {
        let elsewhere = !io::stderr().is_terminal();
        let terminal = elsewhere.then(|| File::options().write(true).open("/dev/tty"));
        Self {
            terminal: terminal.and_then(Result::ok),
            ..Self::new(ui)
        }
    }

    /// Whether the terminal takes no escape sequences.
    #[cfg(unix)]
    pub(super) fn is_dumb(&self) -> bool {
        self.ui.is_dumb()
    }

    /// Says something; nothing if only errors are wanted.
    pub(in crate::cli) fn note(&self, line: &str) {
        if !self.ui.is_quiet() {
            self.say(line);
        }
    }

    /// Says something that belongs to a question.
    pub(in crate::cli) fn say(&self, line: &str) {
        // A line that moves would write over it.
        self.ui.busy().end();
        let open = self.open.borrow();
        let clear = if open.is_some() { self.clear() } else { "" };
        self.write(&format!("{clear}{line}\n{}", open.as_deref().unwrap_or_default()));
    }

    /// Rings the bell and says what it is about.
    pub(in crate::cli) fn announce(&self, lines: &[String]) {
        self.write("\x07");
        for line in lines {
            self.say(line);
        }
    }

    /// Shows a question and what was typed so far. What does not fit in the line is shown from its end.
    pub(super) fn show(&self, question: &str, typed: &str) {
        self.ui.busy().end();
        let room = self.ui.error_width().saturating_sub(question.width() + 1);
        let mut typed = typed;
        while typed.width() > room {
            let mut rest = typed.chars();
            rest.next();
            typed = rest.as_str();
        }
        let line = format!("{question}{typed}");
        let clear = if self.open.borrow().is_some() {
            self.clear()
        } else {
            ""
        };
        self.write(&format!("{clear}{line}"));
        *self.open.borrow_mut() = Some(line);
    }

    /// The question was answered, or nobody waits for the answer any more.
    pub(super) fn close(&self) {
        if self.open.borrow_mut().take().is_some() {
            self.write("\n");
        }
    }

    fn write(&self, text: &str) {
        match &self.terminal {
            // It may be gone, as after a hang-up.
            Some(terminal) => _ = (&*terminal).write_all(text.as_bytes()),
            None => prompt(text),
        }
    }

    /// Goes back to the start of the line and empties it.
    fn clear(&self) -> &'static str {
        if self.ui.is_dumb() { "\n" } else { "\r\x1b[K" }
    }
}
