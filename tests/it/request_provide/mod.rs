//! One participant asks another for a secret, and is answered: the commands, on either side.

mod expiry;
mod hostile;
mod prompt;
mod provide;
mod request;
mod rules;

use std::process::Child;

use crate::support::{Call, Provider, Ran, TestServer, Way, ends_soon};

const URL: &str = "https://db.example/main";

/// `request` of bob's, to whoever is called ada.
pub(crate) fn request(server: &TestServer<'_>, arguments: &[&str]) -> Call {
    let call = server
        .with_token("bob", "room")
        .secret(["request", "--from", "ada"]);
    call.args(arguments)
}

/// A provider called ada.
fn ada(server: &TestServer<'_>, arguments: &[&str]) -> Provider {
    Provider::start(&as_ada(server), arguments)
}

pub(crate) fn as_ada<'a>(server: &TestServer<'a>) -> Way<'a> {
    server.with_token("ada", "room")
}

/// The end of a command that was started.
pub(crate) fn ended(child: Child) -> Ran {
    let output = ends_soon(child);
    Ran {
        line: "a command in the background".to_owned(),
        status: output.status,
        stdout: output.stdout,
        stderr: output.stderr,
        took: std::time::Duration::ZERO,
    }
}
