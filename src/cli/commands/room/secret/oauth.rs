//! `meshagent room secret oauth`

use std::time::{Duration, Instant};

use clap::Args;

use super::{parse_delegate, parse_identity};
use crate::cli::args::output::OutputArgs;
use crate::cli::args::room::RoomArgs;
use crate::cli::context::Context;
use crate::cli::error::{CommandError, Kind, Outcome};
use crate::cli::room::deadline::within_rest;
use crate::cli::room::participant::{Chosen, FromArgs};
use crate::cli::room::{JoinedRoom, Target, in_room, in_shared_room};
use crate::cli::sign_in::oauth_client::OAuthClientArgs;
use crate::cli::sign_in::{AuthorizationParameters, BrowserArgs, OwnTokenRequest, own_token};
use crate::cli::ui::text::escape;
use crate::oauth::{RedirectUri, RedirectUriError};
use crate::secrets::{OAuthTokenOptions, SecretsError};
use crate::sensitive::{SecretValue, SensitiveText};
use crate::wire::secrets::oauth::OAuthClientConfig;
use crate::wire::{ErrorCode, Identity};

/// Time for the command beyond that of the request: to join, and for the server to get the token.
const MARGIN: Duration = Duration::from_secs(30);

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  Sign in at GitHub with your browser, once; then the room has the token:
    $ token=$(meshagent room secret oauth --room demo \\
        --client-id Iv1.0123456789abcdef --client-secret @github.secret \\
        --authorization-endpoint https://github.com/login/oauth/authorize \\
        --token-endpoint https://github.com/login/oauth/access_token \\
        --scopes repo,read:org)

  Ask ada to sign in, for a client without a secret:
    $ meshagent room secret oauth --from ada --client-id my-app \\
        --authorization-endpoint https://gitlab.com/oauth/authorize \\
        --token-endpoint https://gitlab.com/oauth/token \\
        --scopes read_api --out token

  What the room has, and ask nobody; exit code 3 if that is nothing:
    $ meshagent room secret oauth --offline --client-id my-app \\
        --authorization-endpoint https://gitlab.com/oauth/authorize \\
        --token-endpoint https://gitlab.com/oauth/token \\
        --scopes read_api";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
#[command(mut_group("FromArgs", |group| group.required(false)))]
#[command(mut_arg("from", |from| from.help("Ask the participant of this name to sign in; without it, you sign in")))]
#[command(mut_arg("from_participant_id", |from| from.help("Ask the participant of this id to sign in")))]
#[command(mut_arg("timeout", |timeout| {
    timeout.default_value("300").help("Time to sign in, in seconds")
}))]
pub(in crate::cli) struct OAuthArgs {
    #[command(flatten)]
    from: FromArgs,
    /// Where the provider sends the browser afterwards, as it is registered there; without it, or without a
    /// port in it, a free port of the machine where the browser is
    #[arg(long, value_name = "URL", value_parser = parse_redirect_uri)]
    redirect_uri: Option<RedirectUri>,
    /// Let this identity use the credential instead of you
    #[arg(long, value_name = "IDENTITY", value_parser = parse_delegate)]
    delegate_to: Option<Identity>,
    #[command(flatten)]
    browser: BrowserArgs,
    /// Ask nobody: take what the room has, refreshed if need be
    #[arg(long, conflicts_with_all = ["FromArgs", "delegate_to"])]
    offline: bool,
    /// Only a credential that is delegated to this identity
    #[arg(long, value_name = "IDENTITY", value_parser = parse_identity, requires = "offline")]
    delegated_to: Option<Identity>,
    /// Only a credential for which this identity signed in
    #[arg(long, value_name = "IDENTITY", value_parser = parse_identity, requires = "offline")]
    delegated_by: Option<Identity>,
    #[command(flatten)]
    client: OAuthClientArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    room: RoomArgs,
}

fn parse_redirect_uri(text: &str) -> Result<RedirectUri, RedirectUriError> {
    RedirectUri::parse(text)
}

pub(super) async fn run(context: &Context, args: Box<OAuthArgs>) -> anyhow::Result<Outcome> {
    let target = Target::resolve(context, &args.room)?;
    let output = args.output.prepare()?;
    let client = args.client.read(&context.ui).await?;
    let token = args.token(context, target, &client).await.map_err(explain)?;
    let token = SecretValue::new(token.into_exposed().into_bytes());
    output.write(&context.ui, token).await?;
    Ok(Outcome::Done)
}

impl OAuthArgs {
    async fn token(
        &self,
        context: &Context,
        target: Target,
        client: &OAuthClientConfig,
    ) -> anyhow::Result<SensitiveText> {
        if self.offline {
            return in_room(context, target, async |room| self.offline(room, client).await).await;
        }
        let limit = self.room.timeout.saturating_add(MARGIN);
        if self.from.names_somebody() {
            let start = Instant::now();
            return in_shared_room(context, target, limit, async |room| {
                let choosing = self.from.choose(room);
                let chosen = within_rest(start, self.room.timeout, choosing).await?;
                self.of_another(context, room, &chosen, client).await
            })
            .await;
        }
        let target = target.within(limit);
        in_room(context, target, async |room| {
            let asking = OwnTokenRequest {
                client,
                parameters: AuthorizationParameters {
                    redirect_uri: self.redirect_uri.clone(),
                    ..self.client.parameters()
                },
                browser: self.browser,
                delegate_to: self.delegate_to.clone(),
                timeout: self.room.timeout,
            };
            Box::pin(own_token(context, room, asking)).await
        })
        .await
    }

    async fn offline(&self, room: &JoinedRoom, client: &OAuthClientConfig) -> anyhow::Result<SensitiveText> {
        let (to, by) = (self.delegated_to.as_ref(), self.delegated_by.as_ref());
        let token = room.secrets().get_offline_oauth_token(client, to, by).await?;
        let none = || {
            CommandError::new(
                Kind::NotFound,
                "the room has no token for this client and these scopes",
            )
            .hint("run the command once without --offline, to sign in")
        };
        Ok(token.ok_or_else(none)?)
    }

    async fn of_another(
        &self,
        context: &Context,
        room: &JoinedRoom,
        chosen: &Chosen,
        client: &OAuthClientConfig,
    ) -> anyhow::Result<SensitiveText> {
        let timeout = self.room.timeout;
        let what = format!(
            "Waiting for {} to sign in for client {}",
            chosen.shown,
            escape(&client.client_id)
        );
        let waiting = context.ui.waiting(&what, timeout);
        let options = OAuthTokenOptions {
            redirect_uri: self.redirect_uri.as_ref().map(ToString::to_string),
            timeout: Some(timeout),
            delegate_to: self.delegate_to.clone(),
        };
        let token = room
            .secrets()
            .request_oauth_token(&chosen.id, client, options)
            .await;
        drop(waiting);
        token.map_err(|error| match error.code() {
            // What the provider did not like is no fault of the participant's.
            Some(ErrorCode::OperationFailed) => error.into(),
            _ => chosen.explain(error, room, timeout, "check the client and its endpoints"),
        })
    }
}

/// Says what to do where the server got no token.
fn explain(error: anyhow::Error) -> anyhow::Error {
    let code = error.downcast_ref().and_then(SecretsError::code);
    if code != Some(ErrorCode::OperationFailed) {
        return error;
    }
    CommandError::new(Kind::Failed, format!("there is no token: {error}"))
        .hint("check the client, its secret and both endpoints, then try again")
        .into()
}
