//! The room server.
//!
//! - [`data_dir`]: the directory a server or a local command keeps its files in, and who holds it.
//! - [`store`]: secrets at rest.

pub mod data_dir;
mod private;
pub mod store;
