//! Flags of `room serve` about the audit log.

use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::server::store::AuditMode;

/// Whether and how accesses to secrets are recorded.
#[derive(Debug, Args)]
#[command(next_help_heading = "Audit log")]
pub(in crate::cli) struct AuditArgs {
    /// When the entries of reads are synced to disk: before the answer, or within a second
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = AuditSync::Always)]
    audit_sync: AuditSync,
    /// Record who had access to which secret; without that, nobody can say it afterwards
    #[arg(long, value_name = "WHETHER", value_enum, default_value_t = Switch::On)]
    audit: Switch,
    /// How long entries are kept, like 90d or 2years, or `forever`
    #[arg(long, value_name = "TIME", value_parser = parse_keep, default_value = "90d")]
    audit_keep: Keep,
}

/// How long entries are kept. None for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Keep(Option<Duration>);

fn parse_keep(text: &str) -> Result<Keep, String> {
    if text == "forever" {
        return Ok(Keep(None));
    }
    match humantime::parse_duration(text) {
        Ok(keep) if !keep.is_zero() => Ok(Keep(Some(keep))),
        _ => Err("give a time with a unit, like 90d, or `forever`".to_owned()),
    }
}

/// When the entries of reads are synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum AuditSync {
    /// Before the answer leaves
    Always,
    /// At most a second later: a crash of the machine, and not of the server, may lose that second
    #[value(name = "1s")]
    Second,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

impl AuditArgs {
    pub(in crate::cli) const fn keep(&self) -> Option<Duration> {
        self.audit_keep.0
    }

    pub(in crate::cli) const fn mode(&self) -> AuditMode {
        match (self.audit, self.audit_sync) {
            (Switch::Off, _) => AuditMode::Off,
            (Switch::On, AuditSync::Always) => AuditMode::Always,
            (Switch::On, AuditSync::Second) => AuditMode::Within(Duration::from_secs(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_entries_are_kept() {
        assert_eq!(parse_keep("90d"), Ok(Keep(Some(Duration::from_hours(90 * 24)))));
        assert_eq!(parse_keep("forever"), Ok(Keep(None)));
        for text in ["", "0s", "90", "x"] {
            assert!(parse_keep(text).is_err(), "{text}");
        }
    }
}
