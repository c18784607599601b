//! Signs in at an OAuth provider for a request of another participant.

use super::oauth_request::OAuthRequest;
use super::outcome::Outcome;
use crate::cli::context::Context;
use crate::cli::error::Failure;
use crate::cli::error::GivenUp;
use crate::cli::sign_in::{AuthorizationParameters, BrowserArgs, Pasting, SignIn};
use crate::cli::ui::terminal::Console;
use crate::cli::ui::text::escape;
use crate::oauth::{AuthorizationCode, CallbackError, ProviderErrorCode};
use crate::secrets::{SecretsClient, SecretsError};
use crate::wire::RequestId;

/// Signs in for other participants.
#[derive(Debug, Clone, Copy)]
pub(super) struct Authorizer<'a> {
    pub(super) context: &'a Context,
    pub(super) console: &'a Console,
    pub(super) browser: BrowserArgs,
}

/// A sign-in whose listener is open.
#[derive(Debug)]
pub(super) struct PreparedSignIn<'a> {
    parameters: AuthorizationParameters,
    sign_in: SignIn<'a>,
}

/// A finished sign-in.
#[derive(Debug)]
pub(super) struct Authorized<'a> {
    code: AuthorizationCode,
    /// The redirect URI that was used, if it is not the one that was asked for.
    redirect_uri: Option<String>,
    sign_in: SignIn<'a>,
}

/// The sign-in did not happen.
#[derive(Debug)]
pub(super) enum SignInError {
    /// The OAuth provider refused, or the person did there.
    Denied(ProviderErrorCode),
    /// The person ended the sign-in here.
    GivenUp,
    /// It failed; the text is escaped.
    Failed(String),
}

impl<'a> Authorizer<'a> {
    /// Opens the listener that the browser comes back to.
    pub(super) async fn prepare(&self, received: &OAuthRequest) -> Result<PreparedSignIn<'a>, SignInError> {
        let parameters = received
            .parameters()
            .map_err(|error| SignInError::from_error(&error.into()))?;
        let redirect_uri = parameters.redirect_uri.as_ref();
        let sign_in = SignIn::prepare(self.context, self.console, self.browser, redirect_uri).await;
        let sign_in = sign_in.map_err(|error| SignInError::from_error(&error))?;
        Ok(PreparedSignIn { parameters, sign_in })
    }
}

impl<'a> PreparedSignIn<'a> {
    /// Whether the callback may have to be pasted.
    pub(super) const fn needs_paste(&self) -> bool {
        self.sign_in.needs_paste()
    }

    /// Waits for the sign-in that the rule at `place` wants.
    pub(super) async fn authorize_by_rule(self, pasting: Pasting<'_>, place: &str) -> Outcome<'a> {
        match self.authorize(pasting).await {
            Ok(authorized) => Outcome::Authorize(Box::new(authorized), format!("by {place}")),
            Err(error) => Outcome::sign_in_failed(error, place),
        }
    }

    /// Waits for the sign-in.
    pub(super) async fn authorize(mut self, pasting: Pasting<'_>) -> Result<Authorized<'a>, SignInError> {
        let code = self.sign_in.authorize(&self.parameters, pasting).await;
        let code = code.map_err(|error| SignInError::from_error(&error))?;
        let redirect_uri = self
            .sign_in
            .other_redirect_uri(self.parameters.redirect_uri.as_ref());
        Ok(Authorized {
            code,
            redirect_uri,
            sign_in: self.sign_in,
        })
    }
}

impl Authorized<'_> {
    /// Sends the code, and shows the outcome in the browser.
    pub(super) async fn send(
        self,
        secrets: &SecretsClient,
        request_id: &RequestId,
    ) -> Result<(), SecretsError> {
        let code = self.code.text().clone();
        let sent = secrets
            .provide_oauth_authorization(request_id, code, self.redirect_uri)
            .await;
        self.sign_in.finish(&sent).await;
        sent
    }
}

impl SignInError {
    fn from_error(error: &anyhow::Error) -> Self {
        if error.is::<GivenUp>() {
            return Self::GivenUp;
        }
        match error.downcast_ref() {
            Some(CallbackError::Denied { code, .. }) => Self::Denied(code.clone()),
            _ => Self::Failed(escape(&Failure::of(error).message)),
        }
    }
}
