//! Text on stderr.

use std::io::{self, Write};

/// One line on stderr. If that is closed, there is nobody to tell.
pub(in crate::cli) fn error_line(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Text on stderr as it is, without a newline.
pub(in crate::cli) fn prompt(text: &str) {
    let mut stderr = io::stderr().lock();
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}
