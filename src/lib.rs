//! Secrets of MeshAgent rooms: a client library, a command line and a room server.
//!
//! - [`wire`]: the room protocol, pure.
//! - [`token`]: API keys and participant tokens.
//! - [`sensitive`]: a value that must not leak.
//!
//! The one rule: imports point down. `wire`, `token` and `sensitive` know nobody.

pub mod room;
pub mod secrets;
pub mod sensitive;
pub mod token;
pub mod wire;
