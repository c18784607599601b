//! `meshagent room secret request`

use std::time::Duration;

use clap::Args;

use super::parse_identity;
use crate::cli::args::RoomArgs;
use crate::cli::context::Context;
use crate::cli::failure::Outcome;
use crate::cli::output::OutputArgs;
use crate::cli::participant::FromArgs;
use crate::cli::room::among_others;
use crate::cli::text::escape;
use crate::secrets::RequestOptions;
use crate::wire::Identity;

/// Time for the command beyond that of the request: to join, and to hear that the time is over.
const MARGIN: Duration = Duration::from_secs(10);

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  Ask whoever is called ada, and use the answer:
    $ password=$(meshagent room secret request --room demo --from ada --url https://db.example)

  Ask for a user name and a password, and wait for ten minutes:
    $ meshagent room secret request --from ada --url https://github.com/example --type git --timeout 10m --out git.json

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
    url: String,
    /// Type of the secret, like text/plain, or git for a user name and password
    #[arg(long = "type", value_name = "TYPE")]
    secret_type: Option<String>,
    /// Let this identity read the answer too, instead of you alone
    #[arg(long, value_name = "IDENTITY", value_parser = parse_identity)]
    delegate_to: Option<Identity>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    room: RoomArgs,
}

pub(super) async fn run(context: &Context, args: RequestArgs) -> anyhow::Result<Outcome> {
    let output = args.output.prepare()?;
    let timeout = args.room.timeout;
    let limit = timeout.saturating_add(MARGIN);
    let secret = among_others(context, &args.room, limit, async |room| {
        let chosen = args.from.choose(room).await?;
        let waiting = context.ui.waiting(
            &format!("Waiting for {} to answer: {}", chosen.shown, escape(&args.url)),
            timeout,
        );
        let options = RequestOptions {
            secret_type: args.secret_type.clone(),
            timeout: Some(timeout),
            delegate_to: args.delegate_to.clone(),
        };
        let answer = room
            .secrets()
            .request_secret(&chosen.id, &args.url, options)
            .await;
        drop(waiting);
        answer.map_err(|error| chosen.explain(error, room, timeout, "check --url, --type and --timeout"))
    })
    .await?;
    output.write(&context.ui, secret.value).await?;
    Ok(Outcome::Done)
}
