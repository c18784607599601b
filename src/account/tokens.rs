//! Asks the API's token endpoint: for tokens of a code, or for fresh ones.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::timeout;
use url::Url;

use super::AccountError;
use crate::net::{authority, dial, exchange};
use crate::oauth::OAuthError;
use crate::oauth::token_endpoint::{
    ClientAuthentication, MAX_ANSWER_BYTES, OAuthClient, TokenAnswer, TokenRequest, parse, request,
};

/// Time for one token request.
const TIME: Duration = Duration::from_secs(20);

/// Seconds since 1970. A clock that is before that says 0.
pub(super) fn unix_time() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// Sends a token request. Where the endpoint does not know the client by one kind of authentication,
/// the other is tried, once; nothing else is tried again.
pub(super) async fn ask(
    endpoint: &Url,
    client: &OAuthClient,
    asked: &TokenRequest,
) -> Result<TokenAnswer, AccountError> {
    let first = ClientAuthentication::first(client);
    let outcome = once(endpoint, client, first, asked).await;
    match (&outcome, first.other()) {
        (Err(AccountError::OAuth(OAuthError::Refused(code))), Some(other))
            if code.as_str() == "invalid_client" =>
        {
            once(endpoint, client, other, asked).await
        }
        _ => outcome,
    }
}

async fn once(
    endpoint: &Url,
    client: &OAuthClient,
    authentication: ClientAuthentication,
    asked: &TokenRequest,
) -> Result<TokenAnswer, AccountError> {
    let request = request(endpoint, client, authentication, asked)?;
    let requested_at = unix_time();
    let answered = async { exchange(dial(endpoint).await?, request, MAX_ANSWER_BYTES).await };
    let answer = timeout(TIME, answered).await.map_err(|_| AccountError::Slow {
        host: authority(endpoint),
        seconds: TIME.as_secs(),
    })??;
    Ok(parse(&answer, requested_at)?)
}
