//! `meshagent auth logout`

use clap::Args;

use crate::cli::context::Context;
use crate::cli::error::Outcome;
use crate::cli::room::account::{ApiArgs, change_settings};
use crate::settings::{Credential, SettingsFile, Sourced};

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  Forget the sign-in; the project that was chosen is kept:
    $ meshagent auth logout";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct LogoutArgs {}

pub(super) async fn run(context: &Context, _args: &LogoutArgs) -> anyhow::Result<Outcome> {
    let account = ApiArgs { api_url: None }.account(context)?;
    let ui = &context.ui;
    if account.session.is_some() {
        change_settings(&account, SettingsFile::clear_session).await?;
        ui.note("Signed out: the sign-in is forgotten here. The provider was told nothing.");
    } else {
        ui.note("You were not signed in.");
    }
    if let Some(Sourced {
        value: Credential::Given(_),
        origin,
    }) = account.credential
    {
        ui.note(&format!("note: {origin} is still set, and is used"));
    }
    Ok(Outcome::Done)
}
