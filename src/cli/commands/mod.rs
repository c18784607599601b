//! The commands: folders and files mirror the command tree.

pub(super) mod auth;
pub(super) mod completion;
pub(super) mod help;
pub(super) mod project;
pub(super) mod room;
pub(super) mod token;
