//! HTTP: accepts connections, limits them and answers their requests.

mod auth;
mod connection;
mod listen;
mod origin;
mod routes;

pub(super) use self::listen::{accept, serve_in_memory};
