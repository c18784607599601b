//! `meshagent completion`

use clap::Args;

use crate::cli::completion::Shell;
use crate::cli::context::Context;
use crate::cli::error::Outcome;

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  For this shell, until it ends:
    $ . <(meshagent completion bash)

  For every bash, zsh or fish from now on:
    $ meshagent completion bash \\
        >~/.local/share/bash-completion/completions/meshagent
    $ meshagent completion zsh >~/.zfunc/_meshagent
    $ meshagent completion fish >~/.config/fish/completions/meshagent.fish";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct CompletionArgs {
    /// Shell that the script is for
    #[arg(value_enum)]
    shell: Shell,
}

pub(in crate::cli) async fn run(context: &Context, args: &CompletionArgs) -> anyhow::Result<Outcome> {
    context.ui.answer(args.shell.script().as_bytes().to_vec()).await?;
    Ok(Outcome::Done)
}
