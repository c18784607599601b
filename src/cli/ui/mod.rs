//! All output: answers on stdout, everything else on stderr.

pub(in crate::cli) mod countdown;
pub(in crate::cli) mod list;
pub(in crate::cli) mod log_writer;
mod lookalike;
pub(in crate::cli) mod options;
pub(in crate::cli) mod progress;
pub(in crate::cli) mod spinner;
pub(in crate::cli) mod terminal;
pub(in crate::cli) mod text;

use std::io::{self, IsTerminal, Write};

use anyhow::Context as _;
use tokio::task::spawn_blocking;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use self::options::{ColorChoice, GlobalArgs};
use self::spinner::Busy;
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
}

impl Ui {
    pub(super) fn new(global: &GlobalArgs) -> Self {
        Self {
            global: global.clone(),
            color: wants_color(global.color),
            stdout_is_terminal: io::stdout().is_terminal(),
            busy: Busy::default(),
        }
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

    /// Whether somebody is there to answer a prompt.
    pub(super) fn can_ask(&self) -> bool {
        !self.global.no_input && io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Whether somebody reads what is said on stderr, and may be asked on the terminal itself.
    pub(super) fn can_ask_beside_stdin(&self) -> bool {
        !self.global.no_input && io::stderr().is_terminal()
    }

    /// Refuses to go on where a prompt would be needed and none is wanted.
    pub(super) const fn prompts_allowed(&self) -> bool {
        !self.global.no_input
    }

    /// Writes an answer, whole.
    pub(super) async fn answer(&self, bytes: impl Into<SecretValue>) -> anyhow::Result<()> {
        self.busy.end();
        let bytes = bytes.into();
        // On a thread of its own: whoever reads it may be slow, and Ctrl-C is noticed meanwhile.
        let written = spawn_blocking(move || {
            let mut stdout = io::stdout().lock();
            stdout.write_all(bytes.expose()).and_then(|()| stdout.flush())
        });
        written.await?.context("stdout cannot be written")
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
        if !self.global.quiet {
            self.busy.end();
            error_line(line);
        }
    }

    /// Says something that the user should know about.
    pub(super) fn warn(&self, line: &str) {
        self.note(&self.warning(line));
    }

    /// A line that the user should know about, for whoever says it.
    pub(super) fn warning(&self, line: &str) -> String {
        format!("{} {line}", self.paint("33", "warning:"))
    }

    /// Says why the command failed.
    pub(super) fn failure(&self, failure: &Failure) {
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

/// Whether colour goes to stderr: the flag, then `NO_COLOR`, `CLICOLOR_FORCE`, `TERM=dumb`, then
/// whether it is a terminal.
fn wants_color(choice: ColorChoice) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto if set("NO_COLOR") => false,
        ColorChoice::Auto if std::env::var_os("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
        ColorChoice::Auto => !is_dumb_terminal() && io::stderr().is_terminal(),
    }
}

fn is_dumb_terminal() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
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

/// One line on stderr. If that is closed, there is nobody to tell.
pub(super) fn error_line(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Text on stderr as it is, without a newline.
pub(super) fn prompt(text: &str) {
    let mut stderr = io::stderr().lock();
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}

/// Starts the log on stderr: of a server from `info` on, of other commands only where `-v` asks for it.
/// Only this crate's own messages are logged; libraries might log what they carry. A server logs through a thread of
/// its own, which ends with the guard.
pub(super) fn start_log(global: &GlobalArgs, server: bool) -> anyhow::Result<Option<WorkerGuard>> {
    let level = match (server, global.quiet, global.verbose) {
        (false, _, 0) => return Ok(None),
        (true, true, _) => LevelFilter::WARN,
        (true, false, 0) | (false, _, 1) => LevelFilter::INFO,
        (true, false, 1) | (false, _, 2) => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let filter = Targets::new().with_target(env!("CARGO_CRATE_NAME"), level);
    let (writer, guard) = if server {
        let (writer, guard) = log_writer::start(io::stderr());
        (BoxMakeWriter::new(writer), Some(guard))
    } else {
        (BoxMakeWriter::new(io::stderr), None)
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(writer)
        .with_ansi(wants_color(global.color));
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .try_init()
        .context("the log cannot be started")?;
    Ok(guard)
}
