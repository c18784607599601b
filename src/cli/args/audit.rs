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
    pub(in crate::cli) const fn mode(&self) -> AuditMode {
        match (self.audit, self.audit_sync) {
            (Switch::Off, _) => AuditMode::Off,
            (Switch::On, AuditSync::Always) => AuditMode::Always,
            (Switch::On, AuditSync::Second) => AuditMode::Within(Duration::from_secs(1)),
        }
    }
}
