//! A terminal that is asked and told things at the same time: what is said while a question is open goes
//! above it.

use std::cell::RefCell;

use unicode_width::UnicodeWidthStr;

use crate::cli::ui::{Ui, prompt};

/// Says things beside an open question.
#[derive(Debug)]
pub(in crate::cli) struct Console {
    ui: Ui,
    /// The question that is open, with what was typed as far as it is shown.
    open: RefCell<Option<String>>,
}

impl Console {
    pub(in crate::cli) fn new(ui: &Ui) -> Self {
        Self {
            ui: ui.clone(),
            open: RefCell::new(None),
        }
    }

    /// Says something; nothing if only errors are wanted.
    pub(in crate::cli) fn note(&self, line: &str) {
        if !self.ui.is_quiet() {
            self.say(line);
        }
    }

    /// Says something that belongs to a question.
    pub(in crate::cli) fn say(&self, line: &str) {
        let open = self.open.borrow();
        let clear = if open.is_some() { self.clear() } else { "" };
        prompt(&format!("{clear}{line}\n{}", open.as_deref().unwrap_or_default()));
    }

    /// Rings the bell and says what it is about.
    pub(in crate::cli) fn announce(&self, lines: &[String]) {
        prompt("\x07");
        for line in lines {
            self.say(line);
        }
    }

    /// Shows a question and what was typed so far. What does not fit in the line is shown from its end.
    pub(super) fn show(&self, question: &str, typed: &str) {
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
        prompt(&format!("{clear}{line}"));
        *self.open.borrow_mut() = Some(line);
    }

    /// The question was answered, or nobody waits for the answer any more.
    pub(super) fn close(&self) {
        if self.open.borrow_mut().take().is_some() {
            prompt("\n");
        }
    }

    /// Goes back to the start of the line and empties it.
    fn clear(&self) -> &'static str {
        if self.ui.is_dumb() { "\n" } else { "\r\x1b[K" }
    }
}
