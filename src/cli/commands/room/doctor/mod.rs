//! `meshagent room doctor`
//!
//! Each group of checks is a file, and adds its findings to a [`Report`]. A finding never has the value of a setting
//! that may be a credential, nor names of rooms, projects and identities: the report is meant for an issue.

mod client;
mod credentials;
mod data_dir;
#[cfg(target_os = "linux")]
mod file_system;
mod network;
mod program;
mod report;
mod server;
mod store;

use clap::{Args, ValueEnum};

use self::report::Report;
use crate::cli::args::data_dir::DataDirArgs;
use crate::cli::args::room::RoomArgs;
use crate::cli::context::Context;
use crate::cli::error::{CommandError, Kind, Outcome};
use crate::cli::room::deadline::within;
use crate::cli::ui::text::count;

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  Look at this machine's data directory, its server and your settings:
    $ meshagent room doctor

  What is wrong, for a script:
    $ meshagent room doctor --output json \\
        | jq '.findings[] | select(.level == \"problem\")'";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct DoctorArgs {
    /// Form of the report
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    output: ReportFormat,
    #[command(flatten)]
    data_dir: DataDirArgs,
    #[command(flatten)]
    room: RoomArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ReportFormat {
    Text,
    Json,
}

pub(super) async fn run(context: &Context, args: DoctorArgs) -> anyhow::Result<Outcome> {
    let mut report = Report::default();
    within(args.room.timeout, async {
        program::check(context, &mut report);
        if let Some(directory) = data_dir::check(context, &args.data_dir, &mut report).await? {
            store::check(context, &args.data_dir, &directory, &mut report).await?;
            server::check(context, &directory, &mut report).await;
        }
        let client = client::check(context, &args.room, &mut report);
        credentials::check(context, &args.room, &mut report);
        network::check(context, client.as_ref(), &mut report).await;
        Ok(())
    })
    .await?;
    let shown = match args.output {
        ReportFormat::Text => report.to_text(),
        ReportFormat::Json => serde_json::to_string_pretty(&report.to_json())?,
    };
    context.ui.answer_line(&shown).await?;
    match report.problems() {
        0 => Ok(Outcome::Done),
        problems => Err(
            CommandError::new(Kind::Failed, format!("{} found", count(problems, "problem")))
                .hint("the report says what to do about each")
                .into(),
        ),
    }
}
