//! Secrets of MeshAgent rooms: a client library, a command line and a room server.
//!
//! - [`wire`]: the room protocol, pure.
//! - [`token`]: API keys and participant tokens.
//! - [`settings`]: flags, environment and settings file, resolved once into plain values.
//! - [`sensitive`]: a value that must not leak.
//!
//! The one rule: imports point down. `wire`, `token` and `sensitive` know nobody; `settings` stands on them.

pub mod room;
pub mod secrets;
pub mod sensitive;
pub mod settings;
pub mod token;
pub mod wire;
