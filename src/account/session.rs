//! The session of the settings file, and its refresh (protocol, "Settings file").

use tokio::task::spawn_blocking;
use url::Url;

use super::AccountError;
use super::login::LoginClient;
use super::tokens::ask;
use crate::clock;
use crate::net::HttpClient;
use crate::oauth::token_endpoint::{OAuthClient, TokenRequest, TokenResponse};
use crate::oauth::{AuthorizationCode, OAuthError, OAuthScope, PkceVerifier, RedirectUri};
use crate::sensitive::SensitiveText;
use crate::settings::{Session, SettingsFile, SettingsLock, StoredSession};

/// A session is refreshed when its access token is valid for fewer seconds than this.
const REFRESH_BEFORE: u64 = 300;

/// The session of a user who is signed in. It gives access tokens and is refreshed when need be.
#[derive(Debug)]
pub struct SignedIn {
    http: HttpClient,
    stored: StoredSession,
    client: OAuthClient,
}

impl LoginClient {
    /// Exchanges an authorization code for the first session (RFC 6749, section 4.1.3). It is not stored: see
    /// [`SettingsFile::sign_in`].
    ///
    /// # Errors
    /// [`AccountError::OAuth`] if the token endpoint refuses the code; [`AccountError::Net`] if it cannot be reached.
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
    /// Takes the session as it was read from the settings file.
    pub fn new(http: HttpClient, stored: StoredSession, client: LoginClient) -> Self {
        let client = client.client;
        Self { http, stored, client }
    }

    /// The session in its current state.
    pub const fn session(&self) -> &Session {
        &self.stored.session
    }

    /// An access token that is valid for at least 300 s, after a refresh if need be. If the refresh fails while the
    /// token is still valid, the token is returned.
    ///
    /// Processes of this program refresh one after another, under the [`SettingsLock`]; the later ones find the
    /// session that the first one stored.
    ///
    /// # Errors
    /// [`AccountError::SessionOver`] if the session has expired and cannot be refreshed; other errors if the refresh of
    /// an expired session fails.
    pub async fn fresh(&mut self) -> Result<&SensitiveText, AccountError> {
        let now = clock::now();
        let session = self.session();
        if remaining(session, now) >= REFRESH_BEFORE {
            return Ok(&self.stored.session.access_token);
        }
        let is_over = remaining(session, now) == 0;
        match self
            .refresh(|session| remaining(session, clock::now()) < REFRESH_BEFORE)
            .await
        {
            Ok(()) => {}
            Err(error) if is_over => return Err(error),
            Err(error) => {
                // The token is still valid; the next command tries again.
                tracing::warn!(%error, "the session could not be refreshed");
            }
        }
        Ok(&self.stored.session.access_token)
    }

    /// Another access token, after the API refused the current one: it expired earlier than the file says, perhaps
    /// because a clock is wrong.
    ///
    /// # Errors
    /// Those of the refresh.
    pub async fn renewed(&mut self) -> Result<&SensitiveText, AccountError> {
        let refused = self.stored.session.access_token.clone();
        let is_refused = move |session: &Session| session.access_token.expose() == refused.expose();
        self.refresh(is_refused).await?;
        Ok(&self.stored.session.access_token)
    }

    /// Reads the session from the file under the lock, and refreshes it if it still `needs` that.
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
            // Stored before it is used, because a provider may accept each refresh token only once.
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

/// Seconds until the access token expires; the largest number if its expiry is not known.
fn remaining(session: &Session, now: u64) -> u64 {
    session
        .expires_at
        .map_or(u64::MAX, |expires_at| expires_at.saturating_sub(now))
}

/// The session after a token response. Members that the response lacks stay (RFC 6749, section 6).
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
