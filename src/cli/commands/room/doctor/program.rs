//! The program, the process, and where the user sits.

use std::env::consts::{ARCH, OS};
use std::io::{IsTerminal as _, stderr, stdin, stdout};

use super::report::Report;
use crate::cli::context::Context;
use crate::cli::process::open_files_limit;
use crate::cli::sign_in::browser;
use crate::server::{Limits, RESERVED_DESCRIPTORS};

pub(super) fn check(context: &Context, report: &mut Report) {
    let build = if cfg!(debug_assertions) {
        ", a debug build"
    } else {
        ""
    };
    report.ok(
        "program.version",
        format!("meshagent {} for {ARCH}-{OS}{build}", env!("CARGO_PKG_VERSION")),
    );
    open_files(report);
    let terminal = |is_terminal| if is_terminal { "a terminal" } else { "no terminal" };
    report.ok(
        "program.terminal",
        format!(
            "stdin is {}, stdout {}, stderr {}",
            terminal(stdin().is_terminal()),
            terminal(stdout().is_terminal()),
            terminal(stderr().is_terminal())
        ),
    );
    let browser = if browser::is_here(&context.environment) {
        "a browser can be opened here to sign in"
    } else {
        "no browser is opened here: signing in shows an address to open elsewhere"
    };
    report.ok("program.browser", browser);
}

/// How many files a server that this user starts may have open.
fn open_files(report: &mut Report) {
    const CHECK: &str = "program.open-files";
    let wanted = Limits::default().connections.saturating_add(RESERVED_DESCRIPTORS);
    match open_files_limit() {
        Some(limit) if limit < wanted => report.warning(
            CHECK,
            format!("a process may have {limit} files open, and a server with the default limits needs {wanted}"),
            "raise the hard limit (ulimit -Hn, LimitNOFILE= of systemd), or give the server a lower --max-connections",
        ),
        Some(limit) => report.ok(CHECK, format!("a process may have {limit} files open")),
        None => report.ok(CHECK, "a process may have any number of files open"),
    }
}
