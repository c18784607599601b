//! What commands that ask the API have in common.

use std::time::Duration;

use clap::Args;
use tokio::task::spawn_blocking;
use url::Url;

use super::within;
use crate::account::{AccountError, LoginClient, SignedIn};
use crate::cli::args::duration::parse_seconds;
use crate::cli::context::Context;
use crate::room::{RoomError, connect};
use crate::sensitive::SensitiveText;
use crate::settings::{AccountSettings, Credential, Overrides, SettingsError, SettingsFile, resolve_account};
use crate::wire::room::RoomConnection;

/// Flags of every command that asks the API.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "API options")]
pub(in crate::cli) struct ApiArgs {
    /// Address of the API [env: MESHAGENT_API_URL] [default: https://api.meshagent.com]
    #[arg(long, value_name = "URL")]
    pub(in crate::cli) api_url: Option<String>,
}

/// Time for the whole command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "API options")]
pub(in crate::cli) struct ApiTimeArgs {
    /// Time for the whole command, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds, default_value = "30")]
    timeout: Duration,
}

impl ApiArgs {
    /// Whose account is meant. Says so if others can read the settings file.
    pub(in crate::cli) fn account(&self, context: &Context) -> anyhow::Result<AccountSettings> {
        let overrides = Overrides {
            api_url: self.api_url.clone(),
            ..Overrides::default()
        };
        let account = resolve_account(&overrides, &context.environment)?;
        context.warn_if_open(&account.file, "your sign-in");
        Ok(account)
    }
}

impl ApiTimeArgs {
    /// Does `work` within the command's time.
    pub(in crate::cli) async fn limit<T>(
        &self,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        within(self.timeout, work).await
    }
}

/// Asks the API with the account's credential.
pub(in crate::cli) async fn ask<T>(
    context: &Context,
    account: &AccountSettings,
    call: impl AsyncFn(&SensitiveText) -> Result<T, AccountError>,
) -> anyhow::Result<T> {
    let credential = account.credential.clone().ok_or(SettingsError::NoCredential)?;
    let is_refused = |error: &AccountError| matches!(error, AccountError::Refused { .. });
    with(context, credential.value, is_refused, call).await
}

/// Asks the server for a participant token.
pub(in crate::cli) async fn connect_with(
    context: &Context,
    connect_url: &Url,
    credential: Credential,
) -> anyhow::Result<RoomConnection> {
    if let Credential::Session(stored) = &credential {
        context.warn_if_open(&stored.file, "your sign-in");
    }
    let is_refused = |error: &RoomError| matches!(error, RoomError::Unauthorized(_));
    with(context, credential, is_refused, async |credential| {
        connect(&context.http, connect_url, credential).await
    })
    .await
}

/// Makes a call with a credential. A session is refreshed before its end; and once more where it is
/// refused although the clock says that it is good.
async fn with<T, E: std::error::Error + Send + Sync + 'static>(
    context: &Context,
    credential: Credential,
    is_refused: impl Fn(&E) -> bool,
    call: impl AsyncFn(&SensitiveText) -> Result<T, E>,
) -> anyhow::Result<T> {
    let stored = match credential {
        Credential::Given(text) => return Ok(call(&text).await?),
        Credential::Session(stored) => *stored,
    };
    let client = LoginClient::from_environment(&context.environment)?;
    let mut signed_in = SignedIn::new(context.http.clone(), stored, client);
    match call(signed_in.fresh().await?).await {
        Err(error) if is_refused(&error) && signed_in.session().refresh_token.is_some() => {
            Ok(call(signed_in.renewed().await?).await?)
        }
        outcome => Ok(outcome?),
    }
}

/// Changes the settings file. Its turn is waited for on a thread of its own, so that Ctrl-C is noticed
/// meanwhile.
pub(in crate::cli) async fn change_settings<T: Send + 'static>(
    account: &AccountSettings,
    change: impl FnOnce(&mut SettingsFile) -> T + Send + 'static,
) -> anyhow::Result<T> {
    let path = account.file.clone();
    Ok(spawn_blocking(move || SettingsFile::update(&path, change)).await??)
}
