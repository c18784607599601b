//! Calls token endpoints, and remembers by which authentication a client is known there.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::Request;
use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

use super::rules::{TokenEndpointRules, resolve};
use crate::clock;
use crate::net::{HttpClient, HttpResponse, NetError, TimeLimits, authority};
use crate::oauth::token_endpoint::{
    ClientAuthentication, MAX_ANSWER_BYTES, OAuthClient, TokenRequest, TokenResponse, parse, request,
};
use crate::oauth::{OAuthError, ProviderErrorCode};

/// Time to connect, with the resolution of the name and TLS.
const CONNECT_TIME: Duration = Duration::from_secs(5);

/// Most clients whose way is remembered; beyond it all are forgotten.
const MAX_REMEMBERED: usize = 1024;

/// Hosts that answer a Basic header with something that does not say so.
const WITHOUT_BASIC: [&str; 1] = ["github.com"];

/// `invalid_client`, and what GitHub calls it.
const INVALID_CLIENT: [&str; 2] = ["invalid_client", "incorrect_client_credentials"];

/// `invalid_grant`, and what GitHub and Slack call it where it is a refresh token.
const INVALID_GRANT: [&str; 3] = ["invalid_grant", "bad_refresh_token", "invalid_refresh_token"];

/// Codes of a provider that cannot answer just now (RFC 6749, section 4.1.2.1; RFC 8628, section 3.5).
const FOR_NOW: [&str; 3] = ["server_error", "temporarily_unavailable", "slow_down"];

/// Why a token endpoint gave no token. What a provider said is in none of them but for its error code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::server) enum TokenEndpointError {
    #[error("the token endpoint is not an https URL without user name and fragment")]
    NotAnEndpoint,
    #[error("the token endpoint is not encrypted: this server calls https endpoints only")]
    NotEncrypted,
    #[error("the token endpoint has no public address, and this server calls no other")]
    NotPublic,
    #[error("could not reach the token endpoint {host}: {reason}")]
    Unreachable { host: String, reason: String },
    #[error("the token endpoint did not answer within {0} s")]
    Silent(u64),
    #[error("the token endpoint's answer is longer than {MAX_ANSWER_BYTES} bytes")]
    TooLong,
    #[error("the token endpoint's answer broke off")]
    BrokeOff,
    #[error(transparent)]
    OAuth(#[from] OAuthError),
}

impl TokenEndpointError {
    /// The provider says that the code or the refresh token is not valid, or no longer.
    pub(in crate::server) fn is_invalid_grant(&self) -> bool {
        self.provider_code()
            .is_some_and(|code| INVALID_GRANT.contains(&code))
    }

    /// The provider answered, and asking again later will not make it another answer.
    pub(in crate::server) fn is_refusal(&self) -> bool {
        match self {
            Self::OAuth(OAuthError::Refused(code)) => !FOR_NOW.contains(&code.as_str()),
            Self::OAuth(OAuthError::BadResponse { status, .. }) => {
                *status < 500 && ![408, 425, 429].contains(status)
            }
            Self::OAuth(OAuthError::BadRequest(_)) | Self::TooLong => true,
            _ => false,
        }
    }

    /// The provider does not accept the client's authentication. 401 is for that alone (RFC 6749,
    /// section 5.2).
    pub(in crate::server) fn is_invalid_client(&self) -> bool {
        let refused = self
            .provider_code()
            .is_some_and(|code| INVALID_CLIENT.contains(&code));
        refused || matches!(self, Self::OAuth(OAuthError::BadResponse { status: 401, .. }))
    }

    fn provider_code(&self) -> Option<&str> {
        match self {
            Self::OAuth(error) => error.provider_code().map(ProviderErrorCode::as_str),
            _ => None,
        }
    }
}

/// The token endpoints, as a server calls them.
#[derive(Debug)]
pub(in crate::server) struct TokenEndpoints {
    rules: TokenEndpointRules,
    time: Duration,
    http: HttpClient,
    /// By endpoint and client id: clients of one provider differ.
    remembered: Mutex<HashMap<(String, String), ClientAuthentication>>,
}

impl TokenEndpoints {
    /// Endpoints that are called by these rules and may take so long to answer.
    pub(in crate::server) fn new(rules: TokenEndpointRules, time: Duration) -> Self {
        Self {
            rules,
            time,
            http: HttpClient::from_env(),
            remembered: Mutex::default(),
        }
    }

    /// Whether `endpoint` may be called, as far as its URL tells: checked before a participant is asked to sign in.
    pub(in crate::server) fn check(&self, endpoint: &Url) -> Result<(), TokenEndpointError> {
        self.rules.check(endpoint)
    }

    /// Asks for tokens: HTTP Basic first, and once more with the secret in the form where that is
    /// answered with `invalid_client`, or the other way round where that has worked before. Nothing else
    /// is tried again: a code is good for one exchange.
    pub(in crate::server) async fn ask(
        &self,
        endpoint: &Url,
        client: &OAuthClient,
        asked: &TokenRequest,
    ) -> Result<TokenResponse, TokenEndpointError> {
        let first = self.first(endpoint, client);
        let answered = async {
            match self.ask_once(endpoint, client, first, asked).await {
                Err(error) if error.is_invalid_client() => {
                    let Some(second) = first.other() else {
                        return Err(error);
                    };
                    let answer = self.ask_once(endpoint, client, second, asked).await?;
                    self.remember(endpoint, client, second);
                    Ok(answer)
                }
                answered => answered,
            }
        };
        timeout(self.time, answered)
            .await
            .unwrap_or_else(|_| Err(TokenEndpointError::Silent(self.time.as_secs())))
    }

    async fn ask_once(
        &self,
        endpoint: &Url,
        client: &OAuthClient,
        authentication: ClientAuthentication,
        asked: &TokenRequest,
    ) -> Result<TokenResponse, TokenEndpointError> {
        let request = request(endpoint, client, authentication, asked)?;
        // The lifetime counts from before the request: what is on its way gets older.
        let requested_at = clock::now();
        let answer = self.send(endpoint, request).await?;
        Ok(parse(&answer, requested_at)?)
    }

    /// Sends a request to an address that was checked, through no proxy.
    async fn send(&self, endpoint: &Url, request: Request) -> Result<HttpResponse, TokenEndpointError> {
        let unreachable = |reason| TokenEndpointError::Unreachable {
            host: authority(endpoint),
            reason,
        };
        let deadline = Instant::now() + CONNECT_TIME;
        let addresses = timeout_at(deadline, resolve(endpoint, self.rules))
            .await
            .map_err(|_| unreachable("its name cannot be resolved".to_owned()))??;
        let limits = TimeLimits {
            connect: deadline.saturating_duration_since(Instant::now()),
            answer: self.time,
        };
        let http = self
            .http
            .pinned(endpoint.host_str().unwrap_or_default(), addresses, limits);
        http.send(request, MAX_ANSWER_BYTES)
            .await
            .map_err(|error| match error {
                NetError::Unreachable { reason, .. } | NetError::Tls(reason) => unreachable(reason),
                NetError::TooLong { .. } => TokenEndpointError::TooLong,
                NetError::Silent { seconds, .. } => TokenEndpointError::Silent(seconds),
                _ => TokenEndpointError::BrokeOff,
            })
    }

    fn first(&self, endpoint: &Url, client: &OAuthClient) -> ClientAuthentication {
        let usual = ClientAuthentication::first(client);
        if usual == ClientAuthentication::None {
            return usual;
        }
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        match remembered.get(&place(endpoint, client)) {
            Some(remembered) => *remembered,
            None if endpoint
                .host_str()
                .is_some_and(|host| WITHOUT_BASIC.contains(&host)) =>
            {
                ClientAuthentication::Post
            }
            None => usual,
        }
    }

    fn remember(&self, endpoint: &Url, client: &OAuthClient, authentication: ClientAuthentication) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= MAX_REMEMBERED {
            remembered.clear();
        }
        remembered.insert(place(endpoint, client), authentication);
    }
}

fn place(endpoint: &Url, client: &OAuthClient) -> (String, String) {
    (endpoint.as_str().to_owned(), client.client_id.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_refusal_and_what_may_be_over_later() {
        let refused = |code| TokenEndpointError::OAuth(OAuthError::Refused(ProviderErrorCode::new(code)));
        let answered = |status| {
            let problem = "it does not say why";
            TokenEndpointError::OAuth(OAuthError::BadResponse { status, problem })
        };
        for code in [
            "invalid_grant",
            "invalid_client",
            "unauthorized_client",
            "token_expired",
        ] {
            assert!(refused(code).is_refusal(), "{code}");
        }
        for status in [200, 302, 400, 401, 403, 404] {
            assert!(answered(status).is_refusal(), "{status}");
        }
        for status in [408, 429, 500, 503] {
            assert!(!answered(status).is_refusal(), "{status}");
        }
        for error in [
            refused("server_error"),
            refused("temporarily_unavailable"),
            TokenEndpointError::Silent(15),
            TokenEndpointError::BrokeOff,
        ] {
            assert!(!error.is_refusal(), "{error}");
        }
    }
}
