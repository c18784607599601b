//! Signs somebody in with a browser: here, or elsewhere with the callback pasted.

use std::future::pending;
use std::time::Duration;

use clap::Args;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use url::Url;

use super::context::Context;
use super::failure::{CommandError, Kind};
use super::terminal::{Console, Echo, Keyboard};
use super::text::escape;
use super::ui::Ui;
use super::waiting::spoken;
use crate::oauth::browser::Surroundings;
use crate::oauth::{
    AuthorizationCode, AuthorizationRequest, CallbackError, CsrfState, Ending, Expected, Issuer,
    LoopbackError, LoopbackListener, OAuthScope, PkceChallenge, RedirectUri, pasted,
};
use crate::sensitive::SensitiveText;
use crate::settings::Environment;

/// How to reach a browser.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct BrowserArgs {
    /// Open no browser: print the address, and take the address that the browser ended on
    #[arg(long)]
    no_browser: bool,
}

/// What is asked of the provider.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    /// Where the browser is sent.
    pub(super) endpoint: &'a Url,
    pub(super) client_id: &'a str,
    pub(super) scopes: &'a [OAuthScope],
    /// None only where PKCE was refused.
    pub(super) challenge: Option<&'a PkceChallenge>,
}

/// A sign-in that can begin: where the browser comes back to is listened at, if that can be.
#[derive(Debug)]
pub(super) struct SignIn<'a> {
    context: &'a Context,
    redirect_uri: RedirectUri,
    listener: Option<LoopbackListener>,
    no_browser: bool,
}

impl<'a> SignIn<'a> {
    /// Prepares to be at `redirect_uri`. Where no browser is opened here, the port may be taken: the
    /// callback is pasted then.
    pub(super) async fn prepare(
        context: &'a Context,
        args: BrowserArgs,
        redirect_uri: &RedirectUri,
    ) -> anyhow::Result<Self> {
        let no_browser = args.no_browser || !surroundings(&context.environment).have_browser();
        let listener = match LoopbackListener::bind(redirect_uri).await {
            Ok(listener) => Some(listener),
            Err(LoopbackError::Taken(port)) if no_browser && can_paste(&context.ui) => {
                context.ui.warn(&format!(
                    "port {port} is taken by another program, so the browser's answer must be pasted here"
                ));
                None
            }
            Err(error) => return Err(error.into()),
        };
        Ok(Self {
            context,
            redirect_uri: listener
                .as_ref()
                .map_or(redirect_uri, LoopbackListener::redirect_uri)
                .clone(),
            listener,
            no_browser,
        })
    }

    /// Where the provider must send the browser.
    pub(super) const fn redirect_uri(&self) -> &RedirectUri {
        &self.redirect_uri
    }

    /// Sends the user to the provider, and waits for the answer until `limit` is over.
    pub(super) async fn authorize(
        &mut self,
        asked: Asked<'_>,
        limit: Duration,
    ) -> anyhow::Result<AuthorizationCode> {
        let state = CsrfState::generate()?;
        let url = AuthorizationRequest {
            endpoint: asked.endpoint,
            client_id: asked.client_id,
            redirect_uri: &self.redirect_uri,
            scopes: asked.scopes,
            challenge: asked.challenge,
            state: &state,
        }
        .url()?;
        let expected = Expected {
            state,
            issuer: Issuer::OriginOf(asked.endpoint.clone()),
        };
        let answer = timeout(limit, self.answer(&url, expected, asked.challenge.is_some()));
        let answer = answer.await.map_err(|_| {
            let message = format!("nobody signed in within {}", spoken(limit));
            CommandError::new(Kind::TimedOut, message)
                .hint("run the command again, or allow more time with --timeout SECONDS")
        })??;
        match answer {
            Ok(code) => Ok(code),
            Err(error) => {
                let ending = match error {
                    CallbackError::Denied { .. } => Ending::Denied,
                    _ => Ending::Failed,
                };
                self.show(ending).await;
                Err(error.into())
            }
        }
    }

    /// Shows the browser how it ended.
    pub(super) async fn finish(mut self, ending: Ending) {
        self.show(ending).await;
    }

    async fn show(&mut self, ending: Ending) {
        if let Some(listener) = self.listener.take() {
            listener.finish(ending).await;
        }
    }

    /// The first answer: that of the browser here, or the one that is pasted.
    async fn answer(
        &mut self,
        url: &Url,
        expected: Expected,
        pkce: bool,
    ) -> anyhow::Result<Result<AuthorizationCode, CallbackError>> {
        let (context, no_browser) = (self.context, self.no_browser);
        let (redirect_uri, for_paste) = (&self.redirect_uri, expected.clone());
        let here = async {
            match &mut self.listener {
                Some(listener) => listener.callback(expected).await,
                None => pending().await,
            }
        };
        let elsewhere = async {
            if !no_browser {
                browser_failed(context, url).await;
            }
            invite(&context.ui, url);
            if can_paste(&context.ui) {
                paste(context, redirect_uri, &for_paste, pkce).await
            } else {
                pending().await
            }
        };
        tokio::select! {
            biased;
            answer = here => Ok(answer),
            answer = elsewhere => answer,
        }
    }
}

fn can_paste(ui: &Ui) -> bool {
    ui.can_ask_beside_stdin()
}

/// What the environment tells of where the user sits.
fn surroundings(environment: &Environment) -> Surroundings<'_> {
    let is_set = |name| environment.get(name).is_some();
    let has_windows = cfg!(any(windows, target_os = "macos"));
    Surroundings {
        browser: environment.get("BROWSER"),
        ssh: is_set("SSH_CONNECTION") || is_set("SSH_TTY"),
        display: has_windows || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY"),
    }
}

/// Opens the browser; returns only when that has failed.
async fn browser_failed(context: &Context, url: &Url) {
    let environment = &context.environment;
    let opened = surroundings(environment).open(url, &environment.inheritable());
    match opened {
        Ok(mut child) => {
            context.ui.note(&format!(
                "Your browser opens, for you to sign in. If it does not, go to:\n  {url}"
            ));
            // It may stay open as long as it likes.
            let ended = spawn_blocking(move || child.wait()).await;
            if matches!(ended, Ok(Ok(status)) if status.success()) {
                return pending().await;
            }
            context.ui.warn("the browser could not be opened");
        }
        Err(error) => context.ui.warn(&error.to_string()),
    }
}

/// Says where to go. It is no mere note: without it nothing goes on.
fn invite(ui: &Ui, url: &Url) {
    ui.say(&format!(
        "Go to this address in a browser, and sign in:\n\n  {url}\n"
    ));
}

/// Asks for the callback until it is one.
async fn paste(
    context: &Context,
    redirect_uri: &RedirectUri,
    expected: &Expected,
    pkce: bool,
) -> anyhow::Result<Result<AuthorizationCode, CallbackError>> {
    let console = Console::new(&context.ui);
    let Ok(keyboard) = Keyboard::open(&console) else {
        return pending().await;
    };
    console.note(&format!(
        "If the browser is on another machine, it ends on a page that it cannot show, at {redirect_uri}. \
         Copy that address whole from its address bar."
    ));
    loop {
        let typed = keyboard
            .ask("Paste the address (it is not shown): ", Echo::Hidden)
            .await?;
        let Some(typed) = typed else {
            return Err(CommandError::new(Kind::Failed, "nobody signed in")
                .hint("run the command again")
                .into());
        };
        let text = String::from_utf8_lossy(typed.expose()).into_owned();
        match pasted::read(&SensitiveText::new(text), redirect_uri, expected, pkce) {
            Ok(code) => return Ok(Ok(code)),
            Err(pasted::PastedError::Callback(error)) if error.is_final() => return Ok(Err(error)),
            Err(error) => console.say(&format!("{}; try again", escape(&error.to_string()))),
        }
    }
}
