//! Signs a person in with a browser: on this machine, or on another with the callback pasted.

pub(in crate::cli) mod authorization;
pub(in crate::cli) mod browser;
pub(in crate::cli) mod oauth_client;
pub(in crate::cli) mod own_token;
mod paste;

use std::future::pending;
use std::time::Duration;

use clap::Args;
use tokio::time::timeout;

pub(super) use self::authorization::{AuthorizationParameters, ParametersError};
pub(super) use self::own_token::{OwnTokenRequest, own_token};
pub(super) use self::paste::Pasting;
use self::paste::paste;
use super::context::Context;
use super::error::{CommandError, Kind, NoWayBack};
use super::ui::countdown::spoken;
use super::ui::terminal::Console;
use crate::oauth::{
    AuthorizationCode, AuthorizationRequest, CallbackError, CsrfState, ExpectedCallback, LoopbackError,
    LoopbackListener, RedirectUri, SignInOutcome,
};
use crate::wire::HttpEndpoint;

/// Path of the redirect URI where none is given.
const CALLBACK_PATH: &str = "/callback";

/// How to reach a browser.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct BrowserArgs {
    /// Open no browser: print the address, and take the address that the browser ended on
    #[arg(long)]
    no_browser: bool,
}

impl BrowserArgs {
    /// Whether there is a browser here, or a terminal that shows the address to open in one. With --no-browser somebody
    /// reads the address wherever it goes.
    fn can_sign_in(self, context: &Context) -> bool {
        self.no_browser || browser::is_here(&context.environment) || context.ui.errors_to_terminal()
    }
}

/// A sign-in that can begin: where the browser comes back to is listened at, if that can be.
#[derive(Debug)]
pub(super) struct SignIn<'a> {
    context: &'a Context,
    console: &'a Console,
    redirect_uri: RedirectUri,
    listener: Option<LoopbackListener>,
    no_browser: bool,
}

impl<'a> SignIn<'a> {
    /// Prepares to be at `redirect_uri`, or on a free port of this machine if there is none. Where that is
    /// elsewhere, the callback is pasted; and so it is where the port is taken and no browser is opened
    /// here.
    pub(super) async fn prepare(
        context: &'a Context,
        console: &'a Console,
        args: BrowserArgs,
        redirect_uri: Option<&RedirectUri>,
    ) -> anyhow::Result<Self> {
        let no_browser = args.no_browser || !browser::is_here(&context.environment);
        let can_paste = context.ui.can_ask_beside_stdin();
        let bound = match redirect_uri {
            None => LoopbackListener::bind_anywhere(CALLBACK_PATH).await,
            Some(uri) => LoopbackListener::bind(uri).await,
        };
        let (redirect_uri, listener) = match (bound, redirect_uri) {
            (Ok(listener), _) => (listener.redirect_uri().clone(), Some(listener)),
            (Err(LoopbackError::Taken(port)), Some(uri)) if no_browser && can_paste => {
                console.note(&context.ui.warning(&format!(
                    "port {port} is taken by another program, so the browser's answer must be pasted here"
                )));
                (uri.clone(), None)
            }
            (Err(LoopbackError::NotLoopback), Some(uri)) if can_paste => (uri.clone(), None),
            (Err(LoopbackError::NotLoopback), _) => return Err(NoWayBack.into()),
            (Err(error), _) => return Err(error.into()),
        };
        Ok(Self {
            context,
            console,
            redirect_uri,
            listener,
            no_browser,
        })
    }

    /// Where the provider must send the browser.
    pub(super) const fn redirect_uri(&self) -> &RedirectUri {
        &self.redirect_uri
    }

    /// Whether the callback may have to be pasted, as far as is known now.
    pub(super) const fn needs_paste(&self) -> bool {
        self.no_browser || self.listener.is_none()
    }

    /// Sends the user to the provider, and waits for the answer.
    pub(super) async fn authorize(
        &mut self,
        parameters: &AuthorizationParameters,
        pasting: Pasting<'_>,
    ) -> anyhow::Result<AuthorizationCode> {
        let state = CsrfState::generate()?;
        let url = AuthorizationRequest {
            endpoint: &parameters.endpoint,
            client_id: &parameters.client_id,
            redirect_uri: &self.redirect_uri,
            scopes: &parameters.scopes,
            challenge: parameters.challenge.as_ref(),
            state: &state,
        }
        .url();
        let expected = ExpectedCallback {
            state,
            authorization_endpoint: parameters.endpoint.clone(),
        };
        let answer = self.answer(&url, expected, parameters.challenge.is_some(), pasting);
        match answer.await? {
            Ok(code) => Ok(code),
            Err(error) => {
                let ending = match error {
                    CallbackError::Denied { .. } => SignInOutcome::Denied,
                    _ => SignInOutcome::Failed,
                };
                self.show(ending).await;
                Err(error.into())
            }
        }
    }

    /// The redirect URI that was used, if it differs from `requested`: the server then has to know it.
    pub(super) fn other_redirect_uri(&self, requested: Option<&RedirectUri>) -> Option<String> {
        (requested != Some(&self.redirect_uri)).then(|| self.redirect_uri.to_string())
    }

    /// Shows the browser how the sign-in ended, by what came of its code.
    pub(super) async fn finish<T, E>(mut self, outcome: &Result<T, E>) {
        self.show(if outcome.is_ok() {
            SignInOutcome::SignedIn
        } else {
            SignInOutcome::Failed
        })
        .await;
    }

    async fn show(&mut self, ending: SignInOutcome) {
        if let Some(listener) = self.listener.take() {
            listener.finish(ending).await;
        }
    }

    /// The first answer: that of the browser here, or the one that is pasted.
    async fn answer(
        &mut self,
        url: &HttpEndpoint,
        expected: ExpectedCallback,
        pkce: bool,
        pasting: Pasting<'_>,
    ) -> anyhow::Result<Result<AuthorizationCode, CallbackError>> {
        let (context, console) = (self.context, self.console);
        let (redirect_uri, for_paste) = (&self.redirect_uri, expected.clone());
        let no_browser = self.no_browser;
        let paste_at_once = self.listener.is_none() || matches!(pasting, Pasting::At(_));
        let here = async {
            match &mut self.listener {
                Some(listener) => listener.callback(expected).await,
                None => pending().await,
            }
        };
        let elsewhere = async {
            let goes_on = async {
                if !no_browser {
                    browser::failed(context, console, url).await;
                }
                browser::invite(console, url);
            };
            let pasted = paste(console, pasting, redirect_uri, &for_paste, pkce);
            if !paste_at_once || no_browser {
                goes_on.await;
                return pasted.await;
            }
            let goes_on = async {
                goes_on.await;
                pending().await
            };
            tokio::select! {
                biased;
                answer = goes_on => answer,
                answer = pasted => answer,
            }
        };
        tokio::select! {
            biased;
            answer = here => Ok(answer),
            answer = elsewhere => answer,
        }
    }
}

/// Waits for a sign-in until `limit` is over.
pub(super) async fn signed_in_within<T>(
    limit: Duration,
    sign_in: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    timeout(limit, sign_in).await.map_err(|_| nobody_in_time(limit))?
}

fn nobody_in_time(limit: Duration) -> CommandError {
    let message = format!("nobody signed in within {}", spoken(limit));
    CommandError::new(Kind::TimedOut, message)
        .hint("run the command again, or allow more time with --timeout SECONDS")
}
