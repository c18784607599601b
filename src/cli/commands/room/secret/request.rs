//! `meshagent room secret request`

use clap::Args;

use super::parse_delegate;
use super::request_secret::{SecretRequest, request_secret};
use crate::cli::args::output::OutputArgs;
use crate::cli::args::room::RoomArgs;
use crate::cli::context::Context;
use crate::cli::error::Outcome;
use crate::cli::room::participant::FromArgs;
use crate::wire::{Identity, SecretUrl};

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  Ask whoever is called ada, and use the answer:
    $ password=$(meshagent room secret request --room demo --from ada \\
        --url https://db.example)

  Ask for a user name and a password, and wait for ten minutes:
    $ meshagent room secret request --from ada \\
        --url https://github.com/example \\
        --type git --timeout 10m --out git.json

  See who could be asked:
    $ meshagent room participant list --room demo";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
#[command(mut_arg("timeout", |timeout| {
    timeout.default_value("300").help("Time that the participant has to answer, in seconds")
}))]
pub(in crate::cli) struct RequestArgs {
    #[command(flatten)]
    from: FromArgs,
    /// What the secret is for, like https://db.example
    #[arg(long, value_name = "URL")]
    url: SecretUrl,
    /// Type of the secret, like text/plain, or git for a user name and password
    #[arg(long = "type", value_name = "TYPE")]
    secret_type: Option<String>,
    /// Let this identity read the answer too, instead of you alone
    #[arg(long, value_name = "IDENTITY", value_parser = parse_delegate)]
    delegate_to: Option<Identity>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    room: RoomArgs,
}

pub(super) async fn run(context: &Context, args: RequestArgs) -> anyhow::Result<Outcome> {
    let output = args.output.prepare()?;
    let request = SecretRequest {
        url: args.url.as_str(),
        secret_type: args.secret_type.as_deref(),
        delegate_to: args.delegate_to.as_ref(),
    };
    let answer = request_secret(context, &args.room, &args.from, request).await?;
    output.write(&context.ui, answer.value).await?;
    Ok(Outcome::Done)
}
