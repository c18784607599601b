//! `meshagent version`

use crate::cli::context::Context;
use crate::cli::error::Outcome;

/// Shown at the end of `--help`.
pub(super) const EXAMPLES: &str = "\
Examples:
  Which version this is:
    $ meshagent version";

pub(super) async fn run(context: &Context) -> anyhow::Result<Outcome> {
    context.ui.answer_line(env!("CARGO_PKG_VERSION")).await?;
    Ok(Outcome::Done)
}
