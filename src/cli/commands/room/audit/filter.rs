//! Which entries are shown.

use clap::Args;

use crate::cli::args::time::parse_time;
use crate::server::store::{AuditOutcome, AuditQuery};

#[derive(Debug, Args)]
pub(super) struct FilterArgs {
    /// Only what happened in this room
    #[arg(long, value_name = "ROOM")]
    room: Option<String>,
    /// Only what this identity did
    #[arg(long, value_name = "IDENTITY")]
    identity: Option<String>,
    /// Only what was done with the secret of this id
    #[arg(long, value_name = "ID")]
    secret: Option<String>,
    /// Only this operation, such as get_secret
    #[arg(long = "op", value_name = "OPERATION")]
    operation: Option<String>,
    /// Only what ended so: done, not-found, denied, invalid, conflict, timed-out, failed
    #[arg(long, value_name = "OUTCOME", value_parser = parse_outcome)]
    outcome: Option<AuditOutcome>,
    /// Only from this time on: 2026-01-31, 2026-01-31T12:00:00Z, or how long ago, like 2h
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    since: Option<u64>,
    /// Only before this time
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    until: Option<u64>,
}

impl FilterArgs {
    /// The last `limit` entries of those that match.
    pub(super) fn query(&self, limit: Option<u64>) -> AuditQuery {
        AuditQuery {
            room: self.room.clone(),
            identity: self.identity.clone(),
            secret: self.secret.clone(),
            operation: self.operation.clone(),
            outcome: self.outcome,
            since: self.since,
            until: self.until,
            after: 0,
            limit,
        }
    }
}

fn parse_outcome(text: &str) -> Result<AuditOutcome, String> {
    AuditOutcome::parse(text).ok_or_else(|| {
        let known = AuditOutcome::ALL.map(AuditOutcome::as_str);
        format!("give one of {}", known.join(", "))
    })
}
