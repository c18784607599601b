//! Requests to the API's token endpoint.

use url::Url;

use super::AccountError;
use crate::clock;
use crate::net::HttpClient;
use crate::oauth::OAuthError;
use crate::oauth::token_endpoint::{
    ClientAuthentication, MAX_ANSWER_BYTES, OAuthClient, TokenRequest, TokenResponse, parse, request,
};

/// Sends a token request. If the endpoint refuses the client's authentication, the request is sent once more with the
/// other kind. Nothing else is repeated, because a code can be exchanged only once.
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
    let requested_at = clock::now();
    let answer = http.send(request, MAX_ANSWER_BYTES).await?;
    Ok(parse(&answer, requested_at)?)
}
