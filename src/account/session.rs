//! The login of the settings file, kept fresh (protocol, "Settings file").

use tokio::task::spawn_blocking;
use url::Url;

use super::AccountError;
use super::login::LoginClient;
use super::tokens::{ask, unix_time};
use crate::net::HttpClient;
use crate::oauth::token_endpoint::{OAuthClient, TokenRequest, TokenResponse};
use crate::oauth::{AuthorizationCode, OAuthError, OAuthScope, PkceVerifier, RedirectUri};
use crate::sensitive::SensitiveText;
use crate::settings::{Session, SettingsFile, SettingsLock, StoredSession};

/// A session is refreshed when fewer seconds than this remain.
const REFRESH_BEFORE: u64 = 300;

/// A user who is signed in, by the session of the settings file.
#[derive(Debug)]
pub struct SignedIn {
    http: HttpClient,
    stored: StoredSession,
    client: OAuthClient,
}

impl LoginClient {
    /// Gets the first session for an authorization code.
    pub async fn sign_in(
        &self,
        http: &HttpClient,
        token_endpoint: &Url,
        code: &AuthorizationCode,
        redirect_uri: &RedirectUri,
        verifier: PkceVerifier,
    ) -> Result<Session, AccountError> {
        let asked = TokenRequest::AuthorizationCode {
            code: code.text().clone(),
            redirect_uri: Some(redirect_uri.to_string()),
            verifier: Some(verifier),
        };
        let answer = ask(http, token_endpoint, &self.client, &asked).await?;
        let first = Session {
            scope: Some(OAuthScope::write_list(&self.scopes)),
            ..Session::default()
        };
        Ok(followed(&first, answer))
    }
}

impl SignedIn {
    /// Takes the login as it was read from the settings file.
    pub fn new(http: HttpClient, stored: StoredSession, client: LoginClient) -> Self {
        let client = client.client;
        Self { http, stored, client }
    }

    /// The session as it is now.
    pub const fn session(&self) -> &Session {
        &self.stored.session
    }

    /// An access token that is good for 300 s more, if the provider lets it. One refresh serves all
    /// processes of this program: they take turns, and the later ones find what the first got.
    ///
    /// # Errors
    /// [`AccountError::SessionOver`] if the session is over and cannot be refreshed.
    pub async fn fresh(&mut self) -> Result<&SensitiveText, AccountError> {
        let now = unix_time();
        let session = self.session();
        if remaining(session, now) >= REFRESH_BEFORE {
            return Ok(&self.stored.session.access_token);
        }
        let is_over = remaining(session, now) == 0;
        match self
            .refresh(|session| remaining(session, unix_time()) < REFRESH_BEFORE)
            .await
        {
            Ok(()) => {}
            Err(error) if is_over => return Err(error),
            Err(error) => {
                // It is good for a while yet; the next command tries again.
                tracing::warn!(%error, "the session could not be refreshed");
            }
        }
        Ok(&self.stored.session.access_token)
    }

    /// Another access token than this one, which the API has just refused: its end came earlier than the
    /// file says, as where a clock was wrong.
    pub async fn renewed(&mut self) -> Result<&SensitiveText, AccountError> {
        let refused = self.stored.session.access_token.clone();
        let is_refused = move |session: &Session| session.access_token.expose() == refused.expose();
        self.refresh(is_refused).await?;
        Ok(&self.stored.session.access_token)
    }

    /// Takes the session of the file, refreshed where it still `needs` that when its turn has come.
    async fn refresh(&mut self, needs: impl Fn(&Session) -> bool) -> Result<(), AccountError> {
        if self.stored.session.refresh_token.is_none() {
            return Err(AccountError::SessionOver);
        }
        let path = self.stored.file.clone();
        let turn = spawn_blocking(move || SettingsLock::acquire(&path).map(|lock| (lock, path)));
        let (_lock, path) = turn.await.map_err(|_| AccountError::Interrupted)??;
        let mut file = SettingsFile::load(&path)?;
        let found = file.session().ok_or(AccountError::SessionOver)?;
        if needs(&found) {
            let session = self.ask_for_more(&found).await?;
            file.set_session(&session);
            // Stored before it is used: a provider may take each refresh token once.
            file.save(&path)?;
            self.stored.session = session;
        } else {
            self.stored.session = found;
        }
        Ok(())
    }

    async fn ask_for_more(&self, session: &Session) -> Result<Session, AccountError> {
        let refresh_token = session.refresh_token.clone();
        let asked = TokenRequest::RefreshToken {
            refresh_token: refresh_token.ok_or(AccountError::SessionOver)?,
        };
        let answer = ask(
            &self.http,
            &self.stored.api.token_endpoint(),
            &self.client,
            &asked,
        )
        .await;
        match answer {
            Err(AccountError::OAuth(OAuthError::Refused(code))) if code.as_str() == "invalid_grant" => {
                Err(AccountError::SessionOver)
            }
            answer => Ok(followed(session, answer?)),
        }
    }
}

/// Seconds for which the access token is good. One whose end is not known is taken to be.
fn remaining(session: &Session, now: u64) -> u64 {
    session
        .expires_at
        .map_or(u64::MAX, |expires_at| expires_at.saturating_sub(now))
}

/// The session after this answer: what it does not say stays as it was.
fn followed(session: &Session, answer: TokenResponse) -> Session {
    Session {
        access_token: answer.access_token,
        refresh_token: answer.refresh_token.or_else(|| session.refresh_token.clone()),
        id_token: answer.id_token.or_else(|| session.id_token.clone()),
        expires_at: answer.expires_at,
        scope: answer
            .scopes
            .map(|scopes| OAuthScope::write_list(&scopes))
            .or_else(|| session.scope.clone()),
    }
}
