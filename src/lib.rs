//! Secrets of MeshAgent rooms: a client library, a command line and a room server.
//!
//! - [`wire`]: the room protocol, pure.
//! - [`token`]: API keys and participant tokens.
//! - [`sensitive`]: a value that must not leak.
//! - [`net`]: HTTP to servers: proxies, root certificates, time limits.
//! - [`oauth`]: what is asked of an OAuth provider and answered by it.
//! - [`settings`]: flags, environment and settings file, resolved once into plain values.
//! - [`account`]: the account at the API: signing in, and staying so.
//! - [`room`]: a client of one room; [`secrets`]: the room's secrets, on top of it.
//! - [`server`]: the room server.
//! - [`cli`]: the command line, on top of all of them.
//!
//! A private module `fs` has private files, atomic writes and file locks.
//!
//! The one rule: imports point down. `sensitive` imports no other module, `wire` and `fs` only that, `net` also `wire`;
//! `token`, `oauth` and `room` stand on those, `settings` and `secrets` on these, `account` on `settings`. `server` is a
//! wing beside `room` and `secrets` and never imports them: client and server meet on the wire alone.

pub mod account;
pub mod cli;
mod fs;
pub mod net;
pub mod oauth;
pub mod room;
pub mod secrets;
pub mod sensitive;
pub mod server;
pub mod settings;
pub mod token;
pub mod wire;
