//! Arguments that several commands have, and the values that they stand for.

pub(in crate::cli) mod audit;
pub(in crate::cli) mod backup_passphrase;
pub(in crate::cli) mod data_dir;
pub(in crate::cli) mod deferred;
pub(in crate::cli) mod duration;
pub(in crate::cli) mod env_secret;
#[cfg(test)]
#[path = "../../../tests/fuzz/args.rs"]
mod fuzz;
pub(in crate::cli) mod input;
pub(in crate::cli) mod listen;
pub(in crate::cli) mod log_format;
pub(in crate::cli) mod metrics;
pub(in crate::cli) mod new_key;
pub(in crate::cli) mod output;
pub(in crate::cli) mod room;
pub(in crate::cli) mod server_limits;
pub(in crate::cli) mod store_key;
pub(in crate::cli) mod time;
pub(in crate::cli) mod token_endpoints;
