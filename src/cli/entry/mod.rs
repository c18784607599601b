//! Around the command tree: the error for a command line that cannot be parsed, and the files that are generated
//! from the tree.

mod advice;
pub(in crate::cli) mod generated;
pub(in crate::cli) mod parse_error;
pub(in crate::cli) mod suggest;
