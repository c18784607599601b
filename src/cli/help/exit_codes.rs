//! `meshagent help exit-codes`

use std::fmt::Write;

use crate::cli::error::Kind;

/// What each code means, from the one place that gives them out.
pub(super) fn text() -> String {
    let mut text = String::from("Exit codes\n\n     0  done\n");
    for kind in Kind::ALL {
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {:>4}  {}", kind.exit_code(), kind.meaning());
    }
    text.push_str(
        "
With --error-format json an error is one line on stderr, with its `kind`:

",
    );
    for kind in Kind::ALL {
        let _ = writeln!(text, "  {:>4}  {}", kind.exit_code(), kind.name());
    }
    text
}
