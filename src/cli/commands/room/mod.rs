//! `meshagent room …`

mod audit;
mod backup;
mod doctor;
mod health;
mod key;
mod participant;
mod restore;
mod secret;
mod serve;

use clap::Subcommand;

use crate::cli::args::deferred::Deferred;
use crate::cli::args::log_format::LogArgs;
use crate::cli::context::Context;
use crate::cli::error::Outcome;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum RoomCommand {
    /// Store, read, ask for and answer for the room's secrets
    #[command(subcommand, visible_alias = "secrets")]
    Secret(Deferred<secret::SecretCommand>),
    /// See who is in the room
    #[command(subcommand)]
    Participant(Deferred<participant::ParticipantCommand>),
    /// Serve rooms from this machine
    Serve(Deferred<serve::ServeArgs>),
    /// Ask whether a server is ready, for health checks
    Health(Deferred<health::HealthArgs>),
    /// See who had access to which secret of this machine's rooms
    #[command(subcommand)]
    Audit(Deferred<audit::AuditCommand>),
    /// Keys of the store of this machine's rooms
    #[command(subcommand)]
    Key(Deferred<key::KeyCommand>),
    /// Copy the store of this machine's rooms to a file, also while a server runs
    Backup(Deferred<backup::BackupArgs>),
    /// Make a data directory of a backup, or check the backup
    Restore(Deferred<restore::RestoreArgs>),
    /// Say what is wrong with the data directory, its server and your settings, without secrets
    Doctor(Deferred<doctor::DoctorArgs>),
}

impl RoomCommand {
    /// The flags for the log, if this is the server.
    pub(in crate::cli) const fn server_log(&self) -> Option<&LogArgs> {
        match self {
            Self::Serve(args) => Some(&args.0.log),
            _ => None,
        }
    }

    /// Whether signals are to end the command in good order.
    pub(in crate::cli) const fn hears_signals(&self) -> bool {
        !matches!(
            self,
            Self::Serve(_) | Self::Secret(Deferred(secret::SecretCommand::Run(_)))
        )
    }

    pub(in crate::cli) async fn run(self, context: &Context) -> anyhow::Result<Outcome> {
        match self {
            Self::Secret(Deferred(command)) => command.run(context).await,
            Self::Participant(Deferred(command)) => command.run(context).await,
            Self::Serve(Deferred(args)) => serve::run(context, args).await,
            Self::Health(Deferred(args)) => health::run(context, args).await,
            Self::Audit(Deferred(command)) => command.run(context).await,
            Self::Key(Deferred(command)) => command.run(context).await,
            Self::Backup(Deferred(args)) => backup::run(context, args).await,
            Self::Restore(Deferred(args)) => restore::run(context, args).await,
            Self::Doctor(Deferred(args)) => doctor::run(context, args).await,
        }
    }
}
