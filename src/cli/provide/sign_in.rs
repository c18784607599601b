//! Signs in at an OAuth provider for a request of another participant.

use super::oauth_request::OAuthAsked;
use crate::cli::context::Context;
use crate::cli::error::Failure;
use crate::cli::error::GivenUp;
use crate::cli::sign_in::{BrowserArgs, Pasting, SignIn, Wanted};
use crate::cli::ui::terminal::Console;
use crate::cli::ui::text::escape;
use crate::oauth::{AuthorizationCode, CallbackError, ProviderErrorCode};
use crate::secrets::{SecretsClient, SecretsError};
use crate::wire::RequestId;

/// Signs in for others.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signing<'a> {
    pub(super) context: &'a Context,
    pub(super) console: &'a Console,
    pub(super) browser: BrowserArgs,
}

/// A sign-in that can begin.
#[derive(Debug)]
pub(super) struct Prepared<'a> {
    wanted: Wanted,
    sign_in: SignIn<'a>,
}

/// Somebody has signed in.
#[derive(Debug)]
pub(super) struct Authorized<'a> {
    code: AuthorizationCode,
    /// The redirect URI that was used, if it is not the one that was asked for.
    redirect_uri: Option<String>,
    sign_in: SignIn<'a>,
}

/// Why nobody has.
#[derive(Debug)]
pub(super) enum Unauthorized {
    /// It was refused at the provider.
    Denied(ProviderErrorCode),
    /// Whoever was to sign in did not want to.
    GivenUp,
    /// It could not be done; why is fit to be shown.
    Failed(String),
}

impl<'a> Signing<'a> {
    /// Is where the browser comes back to.
    pub(super) async fn prepare(&self, asked: &OAuthAsked) -> Result<Prepared<'a>, Unauthorized> {
        let wanted = asked.wanted().map_err(|error| Unauthorized::of(&error.into()))?;
        let redirect_uri = wanted.redirect_uri.as_ref();
        let sign_in = SignIn::prepare(self.context, self.console, self.browser, redirect_uri).await;
        let sign_in = sign_in.map_err(|error| Unauthorized::of(&error))?;
        Ok(Prepared { wanted, sign_in })
    }
}

impl<'a> Prepared<'a> {
    /// Whether the callback may have to be pasted.
    pub(super) const fn needs_paste(&self) -> bool {
        self.sign_in.needs_paste()
    }

    /// Waits for somebody to sign in.
    pub(super) async fn authorize(mut self, pasting: Pasting<'_>) -> Result<Authorized<'a>, Unauthorized> {
        let code = self.sign_in.authorize(&self.wanted, pasting).await;
        let code = code.map_err(|error| Unauthorized::of(&error))?;
        let redirect_uri = self.sign_in.other_redirect_uri(self.wanted.redirect_uri.as_ref());
        Ok(Authorized {
            code,
            redirect_uri,
            sign_in: self.sign_in,
        })
    }
}

impl Authorized<'_> {
    /// Hands the code on, and shows the browser how it ended.
    pub(super) async fn hand_on(
        self,
        secrets: &SecretsClient,
        request_id: &RequestId,
    ) -> Result<(), SecretsError> {
        let code = self.code.text().clone();
        let handed_on = secrets
            .provide_oauth_authorization(request_id, code, self.redirect_uri)
            .await;
        self.sign_in.finish(&handed_on).await;
        handed_on
    }
}

impl Unauthorized {
    fn of(error: &anyhow::Error) -> Self {
        if error.is::<GivenUp>() {
            return Self::GivenUp;
        }
        match error.downcast_ref() {
            Some(CallbackError::Denied { code, .. }) => Self::Denied(code.clone()),
            _ => Self::Failed(escape(&Failure::of(error).message)),
        }
    }
}
