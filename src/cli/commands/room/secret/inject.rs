//! `meshagent room secret inject`

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use clap::Args;

use super::read_many::fetch;
use super::sources::DelegateArgs;
use crate::cli::args::input::{Limit, NamedContent, read_file_or_stdin};
use crate::cli::args::output::OutputArgs;
use crate::cli::args::room::RoomArgs;
use crate::cli::context::Context;
use crate::cli::error::{CommandError, Kind, Outcome};
use crate::cli::formats::template::Template;
use crate::cli::room::{Target, in_room};

/// Shown at the end of `--help`.
const EXAMPLES: &str = r#"Examples:
  Fill in a configuration file:
    $ meshagent room secret inject --in app.conf.tpl --out app.conf

  Fill in a line:
    $ echo 'password = {{ secret "db/password" }}' \
        | meshagent room secret inject"#;

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct InjectArgs {
    /// Read the text from a file; else, or with `-`, from stdin
    #[arg(long = "in", value_name = "PATH")]
    template: Option<PathBuf>,
    #[command(flatten)]
    delegate: DelegateArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    room: RoomArgs,
}

pub(super) async fn run(context: &Context, args: InjectArgs) -> anyhow::Result<Outcome> {
    let output = args.output.prepare()?;
    let sources = args.delegate.resolve(context)?;
    if args.template.is_none() && io::stdin().is_terminal() {
        return Err(CommandError::new(Kind::Usage, "no text was given")
            .hint("name a file with --in PATH, or pipe the text in")
            .into());
    }
    let template = args.template.as_deref().unwrap_or(Path::new("-"));
    let NamedContent {
        content: text,
        name: shown,
    } = read_file_or_stdin(template, Limit::File).await?;
    let template = Template::parse(text.expose()).map_err(|error| {
        CommandError::new(Kind::Failed, format!("{shown}: {error}"))
            .hint(r#"a place for a secret is {{ secret "ID" }}; \{{ keeps it as text"#)
    })?;
    let ids = template.ids();
    let secrets = if ids.is_empty() {
        context.ui.warn(r#"the text has no {{ secret "ID" }} in it"#);
        std::collections::BTreeMap::new()
    } else {
        in_room(context, Target::resolve(context, &args.room)?, async |room| {
            fetch(room, ids, &sources).await
        })
        .await?
    };
    output.write(&context.ui, template.fill(&secrets)).await?;
    Ok(Outcome::Done)
}
