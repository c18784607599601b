//! Flags of `room serve` that limit what clients may ask.

use std::time::Duration;

use clap::Args;
use clap::builder::RangedU64ValueParser;

use super::duration::parse_seconds;
use crate::cli::error::{CommandError, Kind};
use crate::cli::process::raise_open_files;
use crate::server::store::OwnerLimits;
use crate::server::{Limits, RESERVED_DESCRIPTORS};

/// Least connections that one identity may have by default.
const MIN_CONNECTIONS_PER_IDENTITY: usize = 16;

/// Least memory budget, in values of the largest size: one is received, one is sealed, and one is read, which takes twice
/// its size.
const MEMORY_IN_VALUES: usize = 4;

/// Least memory budget in bytes.
const MIN_MEMORY_BYTES: usize = 16 << 20;

/// What clients may ask before they are turned away.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(in crate::cli) struct LimitArgs {
    /// Connections at once; fewer if the process may not open as many files
    #[arg(long, value_name = "N", value_parser = how_many(), default_value = "1024")]
    max_connections: usize,
    /// Connections from one address that have not joined a room yet [default: half of all]
    #[arg(long, value_name = "N", value_parser = how_many())]
    max_connections_per_address: Option<usize>,
    /// Connections with which one identity has joined rooms [default: a quarter of all, at least 16]
    #[arg(long, value_name = "N", value_parser = how_many())]
    max_connections_per_identity: Option<usize>,
    /// Bytes of a request's headers
    #[arg(long, value_name = "BYTES", default_value = "16384")]
    max_header_bytes: usize,
    /// Time for a request's headers
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds, default_value = "10")]
    header_timeout: Duration,
    /// Bytes of a value
    #[arg(long, value_name = "BYTES", default_value = "67108864")]
    max_value_bytes: usize,
    /// Bytes of memory for all messages and answers on their way; at least four values
    #[arg(long, value_name = "BYTES", default_value = "536870912")]
    memory_budget: usize,
    /// Time for a message that has begun to go on; after it, at least 16 KiB/s must come
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds, default_value = "30")]
    upload_timeout: Duration,
    /// Secrets of one owner in one room
    #[arg(long, value_name = "N", default_value = "10000")]
    max_secrets: u64,
    /// Bytes of all secrets of one owner in one room
    #[arg(long, value_name = "BYTES", default_value = "1073741824")]
    max_owner_bytes: u64,
    /// Secrets that one owner delegates to one identity
    #[arg(long, value_name = "N", default_value = "1000")]
    max_delegated: u64,
    /// Calls of one participant that are worked on at once
    #[arg(long, value_name = "N", value_parser = how_many(), default_value = "128")]
    max_calls: usize,
    /// Requests that wait for one participant's answer, and that one participant waits for
    #[arg(long, value_name = "N", value_parser = how_many(), default_value = "1000")]
    max_pending_requests: usize,
    /// Requests from one identity that wait for one participant's answer [default: a quarter of all]
    #[arg(long, value_name = "N", value_parser = how_many())]
    max_pending_requests_per_identity: Option<usize>,
    /// Silence after which a participant is asked whether it is there
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds, default_value = "20")]
    ping_interval: Duration,
    /// Silence after which a participant counts as gone
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds, default_value = "60")]
    idle_timeout: Duration,
    /// Time for a participant to take what it is sent
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds, default_value = "30")]
    send_timeout: Duration,
    /// Time for a provider's token endpoint to answer
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds, default_value = "15")]
    token_endpoint_timeout: Duration,
}

/// A limit on how many there may be at once, at least 1.
fn how_many() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=1_000_000)
}

impl LimitArgs {
    /// Checks the limits that depend on each other.
    pub(in crate::cli) fn check(&self) -> Result<(), CommandError> {
        let least = self
            .max_value_bytes
            .saturating_mul(MEMORY_IN_VALUES)
            .max(MIN_MEMORY_BYTES);
        if self.memory_budget >= least {
            return Ok(());
        }
        let error = CommandError::new(
            Kind::Usage,
            format!(
                "a memory budget of {} bytes is too small for values of {} bytes",
                self.memory_budget, self.max_value_bytes
            ),
        );
        Err(error.hint(format!(
            "give --memory-budget at least {least} bytes, or lower --max-value-bytes"
        )))
    }

    /// The limits on what one owner may have in the store.
    pub(in crate::cli) const fn of_owners(&self) -> OwnerLimits {
        OwnerLimits {
            secrets: self.max_secrets,
            bytes: self.max_owner_bytes,
            delegated: self.max_delegated,
        }
    }

    /// The limits. Raises the process's limit of open files to what they need, and if that cannot be, allows fewer
    /// connections and says so.
    pub(in crate::cli) fn resolve(self) -> Limits {
        let wanted = self.max_connections;
        let files = raise_open_files(wanted.saturating_add(RESERVED_DESCRIPTORS));
        let connections = connections_within(files, wanted);
        if connections < wanted {
            tracing::warn!(
                connections,
                open_files = files,
                "--max-connections {wanted} needs a higher limit of open files (ulimit -n, LimitNOFILE=)"
            );
        }
        self.with_connections(connections)
    }

    fn with_connections(self, connections: usize) -> Limits {
        let pending_requests = self.max_pending_requests;
        let (half, quarter) = (connections.div_ceil(2), connections / 4);
        Limits {
            connections,
            connections_per_address: self.max_connections_per_address.unwrap_or(half),
            connections_per_identity: self
                .max_connections_per_identity
                .unwrap_or(quarter.max(MIN_CONNECTIONS_PER_IDENTITY)),
            header_bytes: self.max_header_bytes,
            header_time: self.header_timeout,
            value_bytes: self.max_value_bytes,
            memory_bytes: self.memory_budget,
            upload_time: self.upload_timeout,
            calls_in_flight: self.max_calls,
            pending_requests,
            pending_requests_per_identity: self
                .max_pending_requests_per_identity
                .unwrap_or((pending_requests / 4).max(1)),
            ping_interval: self.ping_interval,
            idle_timeout: self.idle_timeout,
            send_timeout: self.send_timeout,
            token_endpoint_time: self.token_endpoint_timeout,
            ..Limits::default()
        }
    }
}

/// How many of the `wanted` connections there may be if the process may have so many files open, each connection
/// being one.
fn connections_within(open_files: Option<usize>, wanted: usize) -> usize {
    let available = open_files.map_or(usize::MAX, |files| files.saturating_sub(RESERVED_DESCRIPTORS));
    wanted.min(available.max(1))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        limits: LimitArgs,
    }

    fn limits(flags: &[&str], connections: usize) -> Limits {
        let arguments = ["serve"].iter().chain(flags);
        Command::try_parse_from(arguments)
            .unwrap()
            .limits
            .with_connections(connections)
    }

    #[test]
    fn connections_are_as_many_as_open_files_allow_beside_what_else_is_open() {
        assert_eq!(connections_within(None, 1024), 1024);
        assert_eq!(connections_within(Some(1024 + RESERVED_DESCRIPTORS), 1024), 1024);
        assert_eq!(connections_within(Some(1024), 1024), 1024 - RESERVED_DESCRIPTORS);
        assert_eq!(connections_within(Some(10), 1024), 1);
    }

    #[test]
    fn shares_follow_from_how_many_connections_there_may_be() {
        let defaults = limits(&[], 1024);
        assert_eq!(defaults.connections_per_address, 512);
        assert_eq!(defaults.connections_per_identity, 256);
        assert_eq!(defaults.pending_requests_per_identity, 250);
        let few = limits(&["--max-pending-requests", "2"], 3);
        assert_eq!(
            (few.connections_per_address, few.connections_per_identity),
            (2, 16)
        );
        assert_eq!(few.pending_requests_per_identity, 1);
        let flags = [
            "--max-connections-per-address",
            "7",
            "--max-connections-per-identity",
            "3",
        ];
        let set = limits(&flags, 1024);
        assert_eq!(
            (set.connections_per_address, set.connections_per_identity),
            (7, 3)
        );
    }
}
