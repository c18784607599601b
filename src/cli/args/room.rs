//! The flags of every command that joins a room.

use std::time::Duration;

use clap::Args;

use super::duration::parse_seconds;
use crate::settings::Overrides;

/// Flags of every command that joins a room.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Room options")]
pub(in crate::cli) struct RoomArgs {
    /// Room to join [env: MESHAGENT_ROOM]
    #[arg(long, short, value_name = "NAME")]
    pub(in crate::cli) room: Option<String>,
    /// Project of the room [env: MESHAGENT_PROJECT_ID]
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) project_id: Option<String>,
    /// Address of the API [env: MESHAGENT_API_URL] [default: https://api.meshagent.com]
    #[arg(long, value_name = "URL")]
    pub(in crate::cli) api_url: Option<String>,
    /// Join as NAME; needs an API key or --local
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) identity: Option<String>,
    /// Use the room on this machine [env: MESHAGENT_LOCAL=1]
    #[arg(long, conflicts_with = "api_url")]
    pub(in crate::cli) local: bool,
    /// Time for the whole command, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds, default_value = "30")]
    pub(in crate::cli) timeout: Duration,
}

impl RoomArgs {
    pub(in crate::cli) fn overrides(&self) -> Overrides {
        Overrides {
            room: self.room.clone(),
            project_id: self.project_id.clone(),
            api_url: self.api_url.clone(),
            identity: self.identity.clone(),
            local: self.local,
        }
    }
}
