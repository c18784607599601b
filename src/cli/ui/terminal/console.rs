//! A terminal with prompts and messages at the same time: a message that is shown while a prompt is open goes
//! above it.

use std::cell::{Cell, RefCell};
#[cfg(unix)]
use std::fs::File;
#[cfg(unix)]
use std::io::{self, IsTerminal};

use unicode_width::UnicodeWidthStr;

use crate::cli::ui::Ui;
use crate::cli::ui::stderr::{Lines, STDERR};

/// Says things beside an open question.
#[derive(Debug)]
pub(in crate::cli) struct Console {
    ui: Ui,
    /// The terminal itself, where stderr is none.
    terminal: Option<Lines>,
    /// The question that is open, and what was typed as far as it may be shown.
    open: RefCell<Option<(String, String)>>,
    /// How many other questions wait for this one.
    waiting: Cell<usize>,
}

impl Console {
    pub(in crate::cli) fn new(ui: &Ui) -> Self {
        Self {
            ui: ui.clone(),
            terminal: None,
            open: RefCell::new(None),
            waiting: Cell::new(0),
        }
    }

    /// As [`Console::new`], for a question that has to be seen: it goes to the terminal even where stderr goes
    /// elsewhere.
    #[cfg(unix)]
    pub(super) fn seen(ui: &Ui) -> Self {
        let elsewhere = !io::stderr().is_terminal();
        let terminal = elsewhere.then(|| File::options().write(true).open("/dev/tty"));
        Self {
            terminal: terminal
                .and_then(Result::ok)
                .map(|terminal| Lines::new(Some(terminal))),
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
        self.lines().above(format!("{line}\n").as_bytes());
    }

    /// Rings the bell and says what it is about.
    pub(in crate::cli) fn announce(&self, lines: &[String]) {
        self.say(&format!("\x07{}", lines.join("\n")));
    }

    /// Says how many other questions wait, before the question that is open and those that follow it.
    pub(in crate::cli) fn set_waiting(&self, count: usize) {
        self.waiting.set(count);
        // A terminal that cannot go back on its line would show the question once more each time.
        if !self.ui.is_dumb() {
            self.draw();
        }
    }

    /// Shows a question and what was typed so far. What does not fit in the line is shown from its end.
    pub(super) fn show(&self, question: &str, typed: &str) {
        self.ui.busy().end();
        self.open.replace(Some((question.to_owned(), typed.to_owned())));
        self.draw();
    }

    fn draw(&self) {
        let open = self.open.borrow();
        let Some((question, typed)) = &*open else { return };
        let waiting = match self.waiting.get() {
            0 => String::new(),
            1 => "(1 more waits) ".to_owned(),
            count => format!("({count} more wait) "),
        };
        let place = self
            .ui
            .error_width()
            .saturating_sub(waiting.width() + question.width() + 1);
        let mut typed = typed.as_str();
        while typed.width() > place {
            let mut rest = typed.chars();
            rest.next();
            typed = rest.as_str();
        }
        self.lines().show(format!("{waiting}{question}{typed}"));
    }

    /// Ends the question: it was answered, or withdrawn.
    pub(super) fn close(&self) {
        self.open.take();
        self.lines().close();
    }

    fn lines(&self) -> &Lines {
        self.terminal.as_ref().unwrap_or(&STDERR)
    }
}
