//! The log on stderr.

use std::io;

use anyhow::Context as _;
use clap::ValueEnum;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use super::color::wants_color;
use super::log_writer;
pub(in crate::cli) use super::log_writer::dropped_lines;
use super::options::GlobalArgs;
use super::stderr::Stderr;

/// Form of a server's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum LogFormat {
    /// Lines for people.
    Text,
    /// A JSON object a line: `timestamp` (RFC 3339), `level`, `target`, and `fields` with the `message`.
    Json,
}

/// Starts the log on stderr: of a server from `info` on, in its format, of other commands only where `-v` asks for it.
/// Only this crate's own messages are logged; libraries might log what they carry. A server logs through a thread of
/// its own, which ends with the guard.
pub(in crate::cli) fn start(
    global: &GlobalArgs,
    server: Option<LogFormat>,
) -> anyhow::Result<Option<WorkerGuard>> {
    let level = match (server.is_some(), global.quiet, global.verbose) {
        (false, _, 0) => return Ok(None),
        (true, true, _) => LevelFilter::WARN,
        (true, false, 0) | (false, _, 1) => LevelFilter::INFO,
        (true, false, 1) | (false, _, 2) => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let filter = Targets::new().with_target(env!("CARGO_CRATE_NAME"), level);
    let (writer, guard) = match server {
        Some(format) => {
            let (writer, guard) = log_writer::start(io::stderr(), format);
            (BoxMakeWriter::new(writer), Some(guard))
        }
        None => (BoxMakeWriter::new(|| Stderr), None),
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines = match server {
        Some(LogFormat::Json) => lines.json().with_current_span(false).boxed(),
        Some(LogFormat::Text) | None => lines.with_ansi(wants_color(global.color)).boxed(),
    };
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .try_init()
        .context("the log cannot be started")?;
    Ok(guard)
}
