//! `meshagent auth login`

use std::time::Duration;

use clap::Args;

use crate::account::{CALLBACK, LoginClient, Project, profile, projects};
use crate::cli::args::duration::parse_seconds;
use crate::cli::context::Context;
use crate::cli::error::Outcome;
use crate::cli::room::account::{ApiArgs, change_settings};
use crate::cli::sign_in::{AuthorizationParameters, BrowserArgs, Pasting, SignIn, signed_in_within};
use crate::cli::ui::terminal::Console;
use crate::cli::ui::text::{escape, escape_name};
use crate::oauth::{PkceVerifier, RedirectUri};
use crate::sensitive::SensitiveText;
use crate::settings::{AccountSettings, Api, Profile, Session};

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  Sign in with the browser of this machine:
    $ meshagent auth login

  Over ssh the address is printed. Open it anywhere, and paste the address that
  the browser ends on; or send the port through, and the answer comes by itself:
    $ ssh -L 8765:localhost:8765 host meshagent auth login --no-browser";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct LoginArgs {
    #[command(flatten)]
    browser: BrowserArgs,
    /// Time to sign in, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds, default_value = "300")]
    timeout: Duration,
    #[command(flatten)]
    api: ApiArgs,
}

pub(super) async fn run(context: &Context, args: LoginArgs) -> anyhow::Result<Outcome> {
    let account = args.api.account(context)?;
    let client = LoginClient::from_environment(&context.environment)?;
    let verifier = PkceVerifier::generate()?;
    let wanted = AuthorizationParameters {
        endpoint: account.api.authorization_endpoint()?,
        client_id: client.client.client_id.clone(),
        scopes: client.scopes.clone(),
        challenge: Some(verifier.challenge()),
        redirect_uri: Some(RedirectUri::parse(CALLBACK)?),
    };
    let console = Console::new(&context.ui);
    let mut sign_in = SignIn::prepare(context, &console, args.browser, wanted.redirect_uri.as_ref()).await?;
    let authorized = sign_in.authorize(&wanted, Pasting::WithoutBrowser);
    let code = signed_in_within(args.timeout, authorized).await?;
    let signed_in = async {
        let token_endpoint = account.api.token_endpoint();
        let session = client
            .sign_in(
                &context.http,
                &token_endpoint,
                &code,
                sign_in.redirect_uri(),
                verifier,
            )
            .await?;
        remember(context, &account, session).await
    };
    let outcome = signed_in.await;
    sign_in.finish(&outcome).await;
    choose_project(context, &account, &outcome?).await?;
    Ok(Outcome::Done)
}

/// Stores the session with whose it is, and says so; the access token comes back.
async fn remember(
    context: &Context,
    account: &AccountSettings,
    session: Session,
) -> anyhow::Result<SensitiveText> {
    let token = session.access_token.clone();
    let whose = profile(&context.http, &account.api, &token).await;
    let (profile, unknown) = match whose {
        Ok(profile) => (Some(profile), None),
        Err(error) => (None, Some(error)),
    };
    let api_url = account.api.as_str().to_owned();
    let shown = profile
        .as_ref()
        .map_or_else(|| "you".to_owned(), Profile::to_string);
    change_settings(account, move |file| {
        file.sign_in(profile.as_ref(), &session, &api_url);
    })
    .await?;
    if let Some(error) = unknown {
        context.ui.warn(&format!(
            "who you are could not be asked: {}",
            escape(&error.to_string())
        ));
    }
    let ui = &context.ui;
    ui.note(&format!(
        "Signed in at {} as {}.",
        account.api.as_str(),
        escape(&shown)
    ));
    Ok(token)
}

/// Makes the only project the active one. Whatever fails here, the user is signed in.
async fn choose_project(
    context: &Context,
    account: &AccountSettings,
    token: &SensitiveText,
) -> anyhow::Result<()> {
    let ui = &context.ui;
    let hint = "`meshagent project activate ID` chooses the project, `meshagent project list` shows them";
    let Some(found) = only_project(context, &account.api, token).await else {
        if account.project.is_none() {
            ui.note(&format!("note: {hint}"));
        }
        return Ok(());
    };
    let id = found.id.clone();
    let chosen = change_settings(account, move |file| {
        let is_open = file.active_project().is_none();
        if is_open {
            file.set_active_project(&id);
        }
        is_open
    });
    if chosen.await? {
        ui.note(&format!("Project {} is active.", escape_name(&found.id)));
    }
    Ok(())
}

async fn only_project(context: &Context, api: &Api, token: &SensitiveText) -> Option<Project> {
    let mut found = projects(&context.http, api, token).await.ok()?.into_iter();
    found.next().filter(|_| found.next().is_none())
}
