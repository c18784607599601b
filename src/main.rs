//! The `meshagent` command. All of it is in [`meshagent::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    meshagent::cli::main()
}
