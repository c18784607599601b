//! Asks the API's token endpoint: for tokens of a code, or for fresh ones.

use std::time::{SystemTime, UNIX_EPOCH};

use url::Url;

use super::AccountError;
use crate::net::HttpClient;
use crate::oauth::OAuthError;
use crate::oauth::token_endpoint::{
    ClientAuthentication, MAX_ANSWER_BYTES, OAuthClient, TokenRequest, TokenResponse, parse, request,
};

/// Seconds since 1970. A clock that is before that says 0.
pub(super) fn unix_time() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// Sends a token request. Where the endpoint does not know the client by one kind of authentication,
/// the other is tried, once; nothing else is tried again.
pub(super) async fn ask(
    http: &HttpClient,
    endpoint: &Url,
    client: &OAuthClient,
    asked: &TokenRequest,
) -> Result<TokenResponse, AccountError> {
    let first = ClientAuthentication::first(client);
    let outcome = once(http, endpoint, client, first, asked).await;
    match (&outcome, first.other()) {
        (Err(AccountError::OAuth(OAuthError::Refused(code))), Some(other))
            if code.as_str() == "invalid_client" =>
        {
            once(http, endpoint, client, other, asked).await
        }
        _ => outcome,
    }
}

async fn once(
    http: &HttpClient,
    endpoint: &Url,
    client: &OAuthClient,
    authentication: ClientAuthentication,
    asked: &TokenRequest,
) -> Result<TokenResponse, AccountError> {
    let request = request(endpoint, client, authentication, asked)?;
    let requested_at = unix_time();
    let answer = http.send(request, MAX_ANSWER_BYTES).await?;
    Ok(parse(&answer, requested_at)?)
}
