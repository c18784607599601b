//! HTTP: accepts connections, checks hosts, origins and credentials, and hands a joining participant to
//! `session`. The top layer of the server.

mod auth;
mod connection;
mod handshake;
mod listen;
mod metrics;
mod origin;
mod ready;
mod refusal;
mod routes;
mod serve;

pub(super) use self::listen::accept;
pub(super) use self::metrics::serve_metrics;
pub use self::ready::NotReady;
pub(super) use self::ready::check_store;
pub(super) use self::serve::serve_in_memory;
