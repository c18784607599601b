//! All output: answers on stdout, everything else on stderr.

mod color;
pub(in crate::cli) mod countdown;
pub(in crate::cli) mod list;
pub(in crate::cli) mod log;
mod log_writer;
mod lookalike;
pub(in crate::cli) mod options;
pub(in crate::cli) mod progress;
pub(in crate::cli) mod spinner;
pub(in crate::cli) mod stderr;
mod stdout;
pub(in crate::cli) mod terminal;
pub(in crate::cli) mod text;

use std::io::{self, IsTerminal};

use anyhow::Context as _;

use self::color::{is_dumb_terminal, wants_color};
use self::options::GlobalArgs;
use self::spinner::Busy;
use self::stderr::error_line;
use self::text::{escape, is_fit_for_terminal, table};
use super::error::{CommandError, ErrorFormat, Failure, Kind};
use crate::sensitive::SecretValue;

/// Columns of a table where the terminal does not say how many it has.
const DEFAULT_WIDTH: usize = 80;

/// Where output goes and in what form.
#[derive(Debug, Clone)]
pub(super) struct Ui {
    global: GlobalArgs,
    color: bool,
    stdout_is_terminal: bool,
    busy: Busy,
    /// Whether notes, warnings and failures are lines of the log.
    through_log: bool,
}

impl Ui {
    pub(super) fn new(global: &GlobalArgs) -> Self {
        Self {
            global: global.clone(),
            color: wants_color(global.color),
            stdout_is_terminal: io::stdout().is_terminal(),
            busy: Busy::default(),
            through_log: false,
        }
    }

    /// From now on writes notes, warnings and failures as lines of the log, so that stderr has nothing else.
    pub(super) const fn speak_through_log(&mut self) {
        self.through_log = true;
    }

    /// The line that says what takes a while.
    pub(super) const fn busy(&self) -> &Busy {
        &self.busy
    }

    /// Whether nothing but errors is wanted.
    pub(super) const fn is_quiet(&self) -> bool {
        self.global.quiet
    }

    /// Whether answers are read by a person.
    pub(super) const fn answers_to_terminal(&self) -> bool {
        self.stdout_is_terminal
    }

    /// Whether a prompt can be shown and answered.
    pub(super) fn can_ask(&self) -> bool {
        !self.global.no_input && io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Whether stderr is a terminal, and a prompt can be answered on the controlling terminal without stdin.
    pub(super) fn can_ask_beside_stdin(&self) -> bool {
        !self.global.no_input && io::stderr().is_terminal()
    }

    /// Whether what is said beside answers is read by a person.
    #[expect(clippy::unused_self, reason = "the `Ui` knows where output goes")]
    pub(super) fn errors_to_terminal(&self) -> bool {
        io::stderr().is_terminal()
    }

    /// Refuses to go on where a prompt would be needed and none is wanted.
    pub(super) const fn prompts_allowed(&self) -> bool {
        !self.global.no_input
    }

    /// Writes an answer, whole.
    pub(super) async fn answer(&self, bytes: impl Into<SecretValue>) -> anyhow::Result<()> {
        self.busy.end();
        stdout::write(bytes.into())
            .await
            .context("stdout cannot be written")
    }

    /// Writes an answer of one line.
    pub(super) async fn answer_line(&self, line: &str) -> anyhow::Result<()> {
        self.answer(format!("{line}\n").into_bytes()).await
    }

    /// Writes a secret's bytes. A terminal gets a newline after them; what could steer it, it gets only
    /// where `even_to_terminal` says so.
    pub(super) async fn answer_value(
        &self,
        value: SecretValue,
        newline: bool,
        even_to_terminal: bool,
    ) -> anyhow::Result<()> {
        let bytes = value.expose();
        if self.stdout_is_terminal && !even_to_terminal && !is_fit_for_terminal(bytes) {
            return Err(CommandError::new(
                Kind::Failed,
                "the value is binary or has control characters, and stdout is a terminal",
            )
            .hint("write it to a file with --out PATH, pipe it on, or insist with --out -")
            .into());
        }
        if is_nowhere(&io::stdout()) {
            self.note("note: stdout is closed or /dev/null: the value is written nowhere");
        }
        let lacks_newline = (newline || self.stdout_is_terminal) && !bytes.ends_with(b"\n");
        self.answer(value).await?;
        if lacks_newline {
            self.answer(b"\n".to_vec()).await?;
        }
        Ok(())
    }

    /// Writes a table as the answer, cut to the terminal's width in all columns but `whole`.
    pub(super) async fn answer_table(&self, rows: &[Vec<String>], whole: usize) -> anyhow::Result<()> {
        let width = if self.stdout_is_terminal {
            terminal_width(io::stdout())
        } else {
            usize::MAX
        };
        let mut lines = table(rows, width, whole);
        if let Some(header) = lines.first_mut()
            && self.color
            && self.stdout_is_terminal
        {
            *header = format!("\x1b[1m{header}\x1b[0m");
        }
        self.answer_line(&lines.join("\n")).await
    }

    /// Writes a command's help as the answer, with colour where a person reads it.
    pub(super) async fn answer_help(&self, command: &mut clap::Command) -> anyhow::Result<()> {
        let help = command.render_long_help();
        let text = if self.color && self.stdout_is_terminal {
            help.ansi().to_string()
        } else {
            help.to_string()
        };
        self.answer(text.into_bytes()).await
    }

    /// Says something beside the answer.
    pub(super) fn note(&self, line: &str) {
        if self.through_log {
            tracing::info!("{line}");
        } else if !self.global.quiet {
            self.busy.end();
            error_line(line);
        }
    }

    /// Says something that the user should know about.
    pub(super) fn warn(&self, line: &str) {
        if self.through_log {
            tracing::warn!("{line}");
        } else {
            self.note(&self.warning(line));
        }
    }

    /// A warning line, for the caller to print.
    pub(super) fn warning(&self, line: &str) -> String {
        format!("{} {line}", self.paint("33", "warning:"))
    }

    /// Text that deserves a second look, in colour.
    pub(super) fn marked(&self, text: &str) -> String {
        self.paint("33", text)
    }

    /// Says why the command failed.
    pub(super) fn failure(&self, failure: &Failure) {
        if self.through_log {
            tracing::error!(hint = failure.hint, "{}", failure.message);
            return;
        }
        if self.global.error_format == ErrorFormat::Json {
            if !failure.is_silent() {
                error_line(&failure.to_json());
            }
            return;
        }
        if failure.is_silent() {
            return;
        }
        error_line(&format!(
            "{} {}",
            self.paint("1;31", "error:"),
            escape(&failure.message)
        ));
        if let Some(hint) = &failure.hint {
            error_line(&format!("{} {}", self.paint("36", "hint:"), escape(hint)));
        }
    }

    /// Whether a line on stderr may move. A log would go through it.
    pub(super) fn shows_progress(&self) -> bool {
        !self.global.quiet && self.global.verbose == 0 && io::stderr().is_terminal() && !is_dumb_terminal()
    }

    /// Columns of the terminal that stderr is.
    #[expect(clippy::unused_self, reason = "the `Ui` knows where output goes")]
    pub(super) fn error_width(&self) -> usize {
        terminal_width(io::stderr())
    }

    /// Whether the terminal cannot go back on its line.
    #[expect(clippy::unused_self, reason = "the `Ui` knows where output goes")]
    pub(super) fn is_dumb(&self) -> bool {
        is_dumb_terminal()
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.color {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// Whether stdout was closed when the program started, as by `>&-`. The standard library has opened `/dev/null` for
/// reading and writing in its place, as some programs do for a child whose output they do not want.
#[cfg(target_os = "linux")]
fn is_nowhere(stdout: &io::Stdout) -> bool {
    use rustix::fs::{OFlags, fcntl_getfl, fstat, major, minor};
    let is_null = fstat(stdout).is_ok_and(|file| (major(file.st_rdev), minor(file.st_rdev)) == (1, 3));
    is_null && fcntl_getfl(stdout).is_ok_and(|flags| flags.contains(OFlags::RDWR))
}

/// Elsewhere it is not known.
#[cfg(not(target_os = "linux"))]
const fn is_nowhere(_stdout: &io::Stdout) -> bool {
    false
}

#[cfg(unix)]
fn terminal_width(terminal: impl std::os::fd::AsFd) -> usize {
    rustix::termios::tcgetwinsize(terminal)
        .ok()
        .map(|size| usize::from(size.ws_col))
        .filter(|columns| *columns > 0)
        .unwrap_or(DEFAULT_WIDTH)
}

#[cfg(not(unix))]
fn terminal_width<T>(_terminal: T) -> usize {
    DEFAULT_WIDTH
}
