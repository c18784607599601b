//! Joining, by what the settings say.

use std::time::Duration;

use anyhow::Context as _;
use url::Url;

use super::JoinedRoom;
use super::account::connect_with;
use super::lifetime::{renewal, token_lifetime};
use super::local::{LocalUser, join_local};
use crate::cli::args::store_key::KeyArgs;
use crate::cli::args::token_endpoints::TokenEndpointArgs;
use crate::cli::context::Context;
use crate::cli::error::{CommandError, Kind};
use crate::clock;
use crate::room::RoomClient;
use crate::server::ServerConfig;
use crate::settings::{Access, RoomSettings};
use crate::token::ParticipantToken;
use crate::wire::{is_encrypted_or_loopback, websocket_url};

/// Joins the room of these settings. The participant stays for `stay`, or without a limit.
pub(super) async fn join(
    context: &Context,
    settings: RoomSettings,
    stay: Option<Duration>,
) -> anyhow::Result<JoinedRoom> {
    let RoomSettings { room, access, origin } = settings;
    tracing::info!(room = room.as_str(), credential = origin, "joining");
    let is_local = matches!(access, Access::Local { .. });
    let lifetime = token_lifetime(stay);
    let (client, server, token_left) = match access {
        Access::Token { room_url, token } => (
            RoomClient::join(&context.http, &room_url, &token).await?,
            None,
            None,
        ),
        Access::Sign {
            room_url,
            token,
            api_key,
        } => {
            let token = token.valid_for(lifetime).sign(&api_key)?;
            let client = RoomClient::join(&context.http, &room_url, &token).await?;
            (client, None, Some(lifetime))
        }
        Access::Connect {
            connect_url,
            credential,
            room_url,
        } => {
            let connection = connect_with(context, &connect_url, credential).await?;
            let room_url = match connection.room_url {
                Some(url) => checked_room_url(context, &url)?,
                None => room_url,
            };
            let expires_at = ParticipantToken::unverified_expiry(&connection.jwt);
            let left = expires_at.map(|at| Duration::from_secs(at.saturating_sub(clock::now())));
            let client = RoomClient::join(&context.http, &room_url, &connection.jwt.into()).await?;
            (client, None, left)
        }
        Access::Local {
            data_dir,
            identity,
            explicit_identity,
        } => {
            let keys = KeyArgs::default().resolve(context)?;
            let config = ServerConfig {
                token_endpoints: TokenEndpointArgs::default().resolve(context)?,
                ..ServerConfig::default()
            };
            let user = LocalUser {
                identity,
                administrator: !explicit_identity,
                token_lifetime: lifetime,
            };
            let (client, server) = join_local(context, &data_dir, (keys, config), user, &room).await?;
            (client, server, Some(lifetime))
        }
    };
    Ok(JoinedRoom {
        client,
        name: room,
        is_local,
        renew_after: token_left.and_then(|left| renewal(stay, left)),
        server,
    })
}

/// The room's address in the answer to the connect call. A token goes in clear to this machine alone.
fn checked_room_url(context: &Context, url: &str) -> anyhow::Result<Url> {
    let url = websocket_url(url).context("the server's answer has no usable room address")?;
    if is_encrypted_or_loopback(&url) || context.environment.switch("MESHAGENT_ALLOW_INSECURE")? {
        return Ok(url);
    }
    Err(
        CommandError::new(Kind::Failed, "the server's room address is not encrypted")
            .hint("set MESHAGENT_ALLOW_INSECURE=1 if the network is trusted")
            .into(),
    )
}
