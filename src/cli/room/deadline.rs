//! The time that a command has.

use std::time::{Duration, Instant};

use tokio::time::timeout;

use crate::cli::error::{CommandError, Kind};

/// Does `work` within the command's time.
pub(in crate::cli) async fn within<T>(
    limit: Duration,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    timeout(limit, work).await.map_err(|_| no_answer(limit))?
}

/// As [`within`], for the part of a command that began at `start`.
pub(in crate::cli) async fn within_rest<T>(
    start: Instant,
    limit: Duration,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    let rest = limit.saturating_sub(start.elapsed());
    timeout(rest, work).await.map_err(|_| no_answer(limit))?
}

/// The command's time is over.
fn no_answer(limit: Duration) -> CommandError {
    let seconds = limit.as_secs();
    CommandError::new(Kind::TimedOut, format!("no answer within {seconds} s"))
        .hint("allow more time with --timeout SECONDS")
}
