//! `meshagent auth token`

use clap::Args;

use crate::account::{LoginClient, SignedIn};
use crate::cli::context::Context;
use crate::cli::error::Outcome;
use crate::cli::room::account::{ApiArgs, ApiTimeArgs};
use crate::settings::{Credential, SettingsError};

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  Ask the API something that there is no command for:
    $ meshagent auth token | sed 's/^/Authorization: Bearer /' |
      curl -H @- https://api.meshagent.com/accounts/profiles/me";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct TokenArgs {
    #[command(flatten)]
    api: ApiArgs,
    #[command(flatten)]
    time: ApiTimeArgs,
}

pub(super) async fn run(context: &Context, args: TokenArgs) -> anyhow::Result<Outcome> {
    let account = args.api.account(context)?;
    let ask = async {
        let session = account.session.ok_or(SettingsError::NotSignedIn)?;
        let client = LoginClient::from_environment(&context.environment)?;
        let mut signed_in = SignedIn::new(context.http.clone(), session, client);
        let token = signed_in.fresh().await?;
        context.ui.answer_line(token.expose()).await?;
        anyhow::Ok(())
    };
    args.time.limit(ask).await?;
    if let Some(origin) = account.credential.as_ref().and_then(|found| match found.value {
        Credential::Given(_) => Some(found.origin),
        Credential::Session(_) => None,
    }) {
        context.ui.note(&format!(
            "note: this is the token of the sign-in; other commands use {origin}"
        ));
    }
    Ok(Outcome::Done)
}
