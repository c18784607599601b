//! `meshagent help`

use clap::{Args, CommandFactory};

use crate::cli::commands::Cli;
use crate::cli::context::Context;
use crate::cli::error::{CommandError, Kind, Outcome};
use crate::cli::help::Topic;

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  A command in full:
    $ meshagent help room secret get

  Every variable, and every exit code:
    $ meshagent help environment
    $ meshagent help exit-codes";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct HelpArgs {
    /// Command, or one of the topics `environment` and `exit-codes`
    #[arg(value_name = "COMMAND|TOPIC")]
    words: Vec<String>,
}

pub(in crate::cli) async fn run(context: &Context, args: &HelpArgs) -> anyhow::Result<Outcome> {
    if let [word] = args.words.as_slice()
        && let Some(topic) = Topic::named(word)
    {
        context.ui.answer(topic.text().into_bytes()).await?;
        return Ok(Outcome::Done);
    }
    let mut command = Cli::command();
    command.build();
    for word in &args.words {
        let found = command.find_subcommand(word).cloned();
        command = found.ok_or_else(|| {
            CommandError::new(Kind::Usage, format!("there is no command or topic `{word}`"))
                .hint("`meshagent help` lists the commands; topics are `environment` and `exit-codes`")
        })?;
    }
    context.ui.answer_help(&mut command).await?;
    Ok(Outcome::Done)
}
