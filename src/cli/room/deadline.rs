//! The time that a command has.

use std::time::{Duration, Instant};

use tokio::time::timeout;

use crate::cli::error::{CommandError, Kind};
use crate::net::HttpClient;
use crate::room::RoomError;

/// Does `work` within the command's time.
pub(in crate::cli) async fn within<T>(
    limit: Duration,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    timeout(limit, work).await.map_err(|_| no_answer(limit, None))?
}

/// As [`within`], for work that joins a room. If the time is over because the server is busy, the error says so.
pub(in crate::cli) async fn joined_within<T>(
    http: &HttpClient,
    limit: Duration,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    timeout(limit, work).await.map_err(|_| {
        let busy = http.busy().map(RoomError::Busy);
        no_answer(limit, busy.as_ref())
    })?
}

/// As [`within`], for the part of a command that began at `start`.
pub(in crate::cli) async fn within_rest<T>(
    start: Instant,
    limit: Duration,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    let rest = limit.saturating_sub(start.elapsed());
    timeout(rest, work).await.map_err(|_| no_answer(limit, None))?
}

/// The command's time is over; the reason is `cause`, if it is known.
fn no_answer(limit: Duration, cause: Option<&RoomError>) -> CommandError {
    let seconds = limit.as_secs();
    let cause = cause.map_or_else(String::new, |cause| format!(": {cause}"));
    CommandError::new(Kind::TimedOut, format!("no answer within {seconds} s{cause}"))
        .hint("allow more time with --timeout SECONDS")
}
