//! `meshagent room secret provide`

use std::time::Duration;

use clap::Args;

use crate::cli::args::duration::parse_seconds;
use crate::cli::args::room::RoomArgs;
use crate::cli::context::Context;
use crate::cli::error::Outcome;
use crate::cli::provide::{RulesArgs, provide};
use crate::cli::sign_in::BrowserArgs;

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  Be asked at this terminal, until Ctrl-C:
    $ meshagent room secret provide --room demo

  Give one secret to whoever asks for it first:
    $ meshagent room secret provide --room demo --once \\
        --secret https://db.example=file:password.txt

  Be asked to sign in at OAuth providers, once, on a machine without a browser:
    $ meshagent room secret provide --room demo --oauth --once --no-browser

  Answer by rules for eight hours, and ask nobody:
    $ meshagent room secret provide --room demo \\
        --rules rules.toml --no-input --for 8h";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
#[command(mut_arg("timeout", |timeout| timeout.help("Time to join the room, in seconds")))]
pub(in crate::cli) struct ProvideArgs {
    /// End after one request that you or a rule gave an answer to
    #[arg(long)]
    once: bool,
    /// End after this time, like 90s, 10m or 8h; with --once, fail if nothing was answered by then
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_seconds)]
    duration: Option<Duration>,
    #[command(flatten)]
    browser: BrowserArgs,
    #[command(flatten)]
    rules: RulesArgs,
    #[command(flatten)]
    room: RoomArgs,
}

pub(super) async fn run(context: &Context, args: ProvideArgs) -> anyhow::Result<Outcome> {
    provide(
        context,
        &args.room,
        &args.rules,
        args.browser,
        args.once,
        args.duration,
    )
    .await
}
