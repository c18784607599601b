//! Where a server's log lines go: to a thread of their own, so that a reader of stderr that stops reading
//! stops nothing else.

use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use serde_json::json;
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};

use super::log::LogFormat;

/// Lines that wait for stderr before more are dropped.
const MAX_QUEUED_LINES: usize = 8192;

/// Queues log lines for the thread that writes them, and never waits for it. Lines that find the queue full are
/// dropped and counted; the next line that is queued tells how many.
#[derive(Debug, Clone)]
pub(in crate::cli) struct LogWriter {
    queue: NonBlocking,
    dropped: ErrorCounter,
    /// How many of the dropped lines were told.
    told: Arc<AtomicUsize>,
    format: LogFormat,
}

/// Counts the lines that the process's log has dropped.
static DROPPED: OnceLock<ErrorCounter> = OnceLock::new();

/// How many lines the process's log has dropped so far. None of them is dropped before it is started.
pub(in crate::cli) fn dropped_lines() -> u64 {
    let dropped = DROPPED.get().map_or(0, ErrorCounter::dropped_lines);
    dropped.try_into().unwrap_or(u64::MAX)
}

/// Starts the thread, which writes to `out`. The guard, when dropped, waits for the queued lines about a second at
/// most.
pub(in crate::cli) fn start(out: impl Write + Send + 'static, format: LogFormat) -> (LogWriter, WorkerGuard) {
    let (queue, guard) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(MAX_QUEUED_LINES)
        .thread_name("log")
        .finish(out);
    let dropped = queue.error_counter();
    DROPPED.get_or_init(|| dropped.clone());
    let writer = LogWriter {
        queue,
        dropped,
        told: Arc::default(),
        format,
    };
    (writer, guard)
}

impl Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let dropped = self.dropped.dropped_lines();
        let untold = dropped.saturating_sub(self.told.swap(dropped, Ordering::Relaxed));
        if untold > 0 {
            self.queue.write_all(note(untold, self.format).as_bytes())?;
            if self.dropped.dropped_lines() > dropped {
                // The note was dropped and counted too: the next line tells again, without it.
                self.told.fetch_sub(untold - 1, Ordering::Relaxed);
            }
        }
        self.queue.write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.queue.flush()
    }
}

/// The line that tells of `dropped` lines, in the form of a line of the log.
fn note(dropped: usize, format: LogFormat) -> String {
    let message = format!("{dropped} log lines were dropped: stderr was not read");
    match format {
        LogFormat::Text => format!("{message}\n"),
        LogFormat::Json => {
            let mut timestamp = String::new();
            // Writing to a string does not fail.
            let _ = SystemTime.format_time(&mut Writer::new(&mut timestamp));
            let fields = json!({"message": message, "dropped": dropped});
            let line =
                json!({"timestamp": timestamp, "level": "WARN", "fields": fields, "target": module_path!()});
            format!("{line}\n")
        }
    }
}

impl<'a> MakeWriter<'a> for LogWriter {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use serde_json::Value;

    use super::*;

    /// Takes a line each time that it is allowed to.
    struct Slow {
        allowed: Receiver<()>,
        lines: Sender<String>,
    }

    impl Write for Slow {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.allowed.recv().map_err(io::Error::other)?;
            let text = String::from_utf8(line.to_vec()).map_err(io::Error::other)?;
            self.lines.send(text).map_err(io::Error::other)?;
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_find_no_place_are_dropped_and_counted() {
        let (allow, allowed) = channel();
        let (lines, written) = channel();
        let (mut writer, guard) = start(Slow { allowed, lines }, LogFormat::Text);
        let sent = MAX_QUEUED_LINES + 100;
        for number in 0..sent {
            writer.write_all(format!("{number}\n").as_bytes()).unwrap();
        }
        for _ in 0..2 * sent {
            allow.send(()).unwrap();
        }
        // The queue has room once the first line is out.
        assert_eq!(written.recv().unwrap(), "0\n");
        assert_eq!(written.recv().unwrap(), "1\n");
        assert_eq!(written.recv().unwrap(), "2\n");
        writer.write_all(b"last\n").unwrap();
        drop(guard);
        let rest: Vec<String> = written.try_iter().collect();
        assert_eq!(rest.last().unwrap(), "last\n");
        let counted: Vec<usize> = rest
            .iter()
            .filter_map(|line| line.strip_suffix(" log lines were dropped: stderr was not read\n"))
            .map(|count| count.parse().unwrap())
            .collect();
        let numbers = rest.iter().filter(|line| line.trim().parse::<usize>().is_ok());
        assert_eq!(counted.iter().sum::<usize>() + numbers.count() + 3, sent);
    }
    #[test]
    fn the_note_of_dropped_lines_has_the_members_of_a_line_in_json() {
        let line: Value = serde_json::from_str(&note(5, LogFormat::Json)).unwrap();
        assert_eq!(line["level"], "WARN");
        assert_eq!(line["fields"]["dropped"], 5);
        let message = "5 log lines were dropped: stderr was not read";
        assert_eq!(line["fields"]["message"], message);
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
        assert!(line["target"].as_str().unwrap().starts_with("meshagent::"));
    }
}
