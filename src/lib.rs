//! Secrets of MeshAgent rooms: a client library, a command line and a room server.
//!
//! To use a room's secrets from a program, join the room and make a client:
//!
//! ```no_run
//! use meshagent::net::HttpClient;
//! use meshagent::room::RoomClient;
//! use meshagent::secrets::SecretsClient;
//! use meshagent::wire::websocket_url;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let url = websocket_url("http://127.0.0.1:7337/rooms/demo")?;
//! let token = std::env::var("MESHAGENT_TOKEN")?;
//! let room = RoomClient::join(&HttpClient::from_env(), &url, &token.into()).await?;
//! for secret in SecretsClient::new(&room).list_secrets().await? {
//!     println!("{} ({})", secret.id, secret.secret_type);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Modules
//! - [`sensitive`]: values that must not leak, hidden in `Debug` and overwritten on drop.
//! - [`wire`]: the room protocol as pure functions and types; names and addresses.
//! - [`token`]: API keys and participant tokens.
//! - [`net`]: the HTTP client: proxies, root certificates, time limits.
//! - [`oauth`]: authorization requests, callbacks and token requests of OAuth 2.0.
//! - [`room`]: a client of one room. [`secrets`]: a client of its `secrets` toolkit.
//! - [`settings`]: flags, environment and settings file, resolved once into plain values.
//! - [`account`]: the user's account at the API: sign-in and session.
//! - [`server`]: the room server.
//! - [`cli`]: the command line.
//!
//! The private module `fs` has private files, atomic writes and file locks; `clock` has the time of day.
//!
//! # Layers
//! Imports point down: `cli` > `account` > `server`, `secrets`, `settings` > `token`, `oauth`, `room` > `net` > `wire`,
//! `fs` > `sensitive`, `clock`. `server` imports neither `room` nor `secrets`, so that client and server share the protocol and
//! nothing else.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "client")]
pub mod account;
#[cfg(feature = "cli")]
pub mod cli;
mod clock;
#[cfg(any(feature = "client", feature = "server"))]
#[cfg_attr(
    not(feature = "cli"),
    allow(
        dead_code,
        unused_imports,
        unreachable_pub,
        reason = "client and server each use a part of it"
    )
)]
mod fs;
#[cfg(test)]
#[path = "../tests/fuzz/driver.rs"]
mod fuzz;
pub mod net;
pub mod oauth;
#[cfg(feature = "client")]
pub mod room;
#[cfg(feature = "client")]
pub mod secrets;
pub mod sensitive;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "client")]
pub mod settings;
pub mod token;
pub mod wire;
