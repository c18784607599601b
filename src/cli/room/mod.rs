//! The room that a command works in: joined over the network, or on this machine.

pub(in crate::cli) mod account;
pub(in crate::cli) mod deadline;
mod join;
mod key_ring;
mod lifetime;
mod local;
mod local_store;
pub(in crate::cli) mod participant;
mod target;

use std::time::Duration;

use self::deadline::{joined_within, within};
use self::join::join;
pub(super) use self::key_ring::LocalKeyRing;
use self::local::LocalServer;
pub(super) use self::local::local_api_key;
pub(super) use self::local_store::{LocalStore, command_user};
pub(super) use self::target::Target;
use super::context::Context;
use super::error::{CommandError, Kind};
use super::ui::text::escape_name;
use crate::room::RoomClient;
use crate::secrets::SecretsClient;
use crate::settings::RoomSettings;
use crate::wire::RoomName;

/// A room that was joined for one command.
#[derive(Debug)]
pub(super) struct JoinedRoom {
    client: RoomClient,
    pub(super) name: RoomName,
    /// Whether it is on this machine.
    pub(super) is_local: bool,
    /// When a participant that stays should join again, because its token expires before it leaves. None if that is
    /// not so, or if it would join with the same token.
    pub(super) renew_after: Option<Duration>,
    server: Option<LocalServer>,
}

impl JoinedRoom {
    /// The room's secrets.
    pub(super) fn secrets(&self) -> SecretsClient {
        SecretsClient::new(&self.client)
    }

    /// The connection to the room.
    pub(super) const fn client(&self) -> &RoomClient {
        &self.client
    }

    /// Its name, fit for a terminal.
    pub(super) fn shown_name(&self) -> String {
        escape_name(self.name.as_str())
    }

    /// Who the command is in the room, if the server says it.
    pub(super) fn own_name(&self) -> Option<&str> {
        self.client.participant().name()
    }

    pub(super) async fn leave(self) {
        self.client.close().await;
        if let Some(local) = self.server {
            local.close().await;
        }
    }
}

/// Joins the room, does `work` in it and leaves, all within the command's time. If it takes more than a
/// second, the user sees what is going on.
pub(super) async fn in_room<T>(
    context: &Context,
    target: Target,
    work: impl AsyncFnOnce(&JoinedRoom) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let (name, limit) = (target.room().clone(), target.timeout);
    let joining = Box::pin(join(context, target.settings, Some(limit)));
    visit(context, &name, limit, joining, work).await
}

/// As [`in_room`], for work with other participants: fails where there can be none. The command's time is
/// for joining; `limit` is the time for all of it.
pub(super) async fn in_shared_room<T>(
    context: &Context,
    target: Target,
    limit: Duration,
    work: impl AsyncFnOnce(&JoinedRoom) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let name = target.room().clone();
    let joining = Box::pin(joined_within(
        &context.http,
        target.timeout,
        join_shared(context, target, Some(limit)),
    ));
    visit(context, &name, limit, joining, work).await
}

async fn visit<T>(
    context: &Context,
    name: &RoomName,
    limit: Duration,
    joining: impl Future<Output = anyhow::Result<JoinedRoom>>,
    work: impl AsyncFnOnce(&JoinedRoom) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let busy = context.ui.busy();
    let shown = escape_name(name.as_str());
    busy.doing(format!("Joining room {shown}"));
    let all = Box::pin(async {
        let room = joining.await?;
        busy.doing(format!("Waiting for room {shown}"));
        let outcome = work(&room).await;
        let outcome = if room.server.is_some() {
            outcome.map_err(local::without_log)
        } else {
            outcome
        };
        room.leave().await;
        outcome
    });
    let all = joined_within(&context.http, limit, all);
    context.ui.while_busy(all).await
}

/// Joins a room in which others can be: in local mode, one of a running server. The participant stays for `stay`, or
/// without a limit.
pub(super) async fn join_shared(
    context: &Context,
    target: Target,
    stay: Option<Duration>,
) -> anyhow::Result<JoinedRoom> {
    let room = join(context, target.settings, stay).await?;
    if room.server.is_none() {
        return Ok(room);
    }
    room.leave().await;
    Err(CommandError::new(
        Kind::Failed,
        "nobody else can be in this room: no server runs on this machine",
    )
    .hint("start one with `meshagent room serve` and leave it running, then try again")
    .into())
}

/// As [`in_room`], without a word to the user. The caller sees to it that `limit` is kept.
pub(super) async fn visit_quietly<T>(
    context: &Context,
    settings: RoomSettings,
    limit: Duration,
    work: impl AsyncFnOnce(&JoinedRoom) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let room = join(context, settings, Some(limit)).await?;
    let outcome = work(&room).await;
    room.leave().await;
    outcome
}
