//! Secrets of MeshAgent rooms: a client library, a command line and a room server.
//!
//! - [`wire`]: the room protocol, pure.
//! - [`token`]: API keys and participant tokens.
//! - [`server`]: the room server, and the store it keeps secrets in.
//! - [`sensitive`]: a value that must not leak.
//!
//! The one rule: imports point down. `wire`, `token` and `sensitive` know nobody.

pub mod sensitive;
pub mod server;
pub mod token;
pub mod wire;
