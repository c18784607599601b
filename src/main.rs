//! The `meshagent` command.

fn main() {}
