//! A token for the user: this command both requests it and signs in, over one connection.

use std::pin::pin;
use std::time::Duration;

use anyhow::Context as _;

use super::{AuthorizationParameters, BrowserArgs, Pasting, SignIn, nobody_in_time, signed_in_within};
use crate::cli::context::Context;
use crate::cli::error::{CommandError, Kind};
use crate::cli::room::JoinedRoom;
use crate::cli::ui::terminal::Console;
use crate::oauth::PkceChallenge;
use crate::secrets::{IncomingRequest, OAuthTokenOptions, SecretsClient, SecretsError};
use crate::sensitive::SensitiveText;
use crate::wire::secrets::oauth::OAuthClientConfig;
use crate::wire::secrets::request::OAuthTokenRequest;
use crate::wire::{ErrorCode, Identity, RequestId};

/// A request for a token.
#[derive(Debug)]
pub(in crate::cli) struct OwnTokenRequest<'a> {
    pub(in crate::cli) client: &'a OAuthClientConfig,
    /// The same for the browser; the challenge comes with the server's request.
    pub(in crate::cli) parameters: AuthorizationParameters,
    pub(in crate::cli) browser: BrowserArgs,
    pub(in crate::cli) delegate_to: Option<Identity>,
    /// Time to sign in.
    pub(in crate::cli) timeout: Duration,
}

/// An access token: from the credential that the room holds, else by signing in.
pub(in crate::cli) async fn own_token(
    context: &Context,
    room: &JoinedRoom,
    request: OwnTokenRequest<'_>,
) -> anyhow::Result<SensitiveText> {
    let console = Console::new(&context.ui);
    let secrets = room.secrets();
    let own_id = room.client().participant_id();
    let own_id = own_id.context("the server does not say who you are in the room")?;
    let OwnTokenRequest {
        client,
        mut parameters,
        browser,
        delegate_to,
        timeout,
    } = request;
    let prepare = async |parameters: &AuthorizationParameters| {
        SignIn::prepare(context, &console, browser, parameters.redirect_uri.as_ref()).await
    };
    // A free port is bound before the request is made, since not every server accepts another redirect URI later.
    // A port that the user names may be in use, which matters only if a sign-in is needed.
    let given = parameters.redirect_uri.as_ref();
    let mut prepared = None;
    if given.is_none_or(|uri| uri.is_loopback() && uri.port().is_none()) {
        let sign_in = prepare(&parameters).await?;
        parameters.redirect_uri = Some(sign_in.redirect_uri().clone());
        prepared = Some(sign_in);
    }
    let options = OAuthTokenOptions {
        redirect_uri: parameters.redirect_uri.as_ref().map(ToString::to_string),
        timeout: Some(timeout),
        delegate_to,
    };
    let mut incoming = secrets.incoming_requests();
    let mut token = pin!(secrets.request_oauth_token(&own_id, client, options));
    let request = loop {
        tokio::select! {
            biased;
            token = &mut token => return token.map_err(|error| explain(error, timeout)),
            request = incoming.next() => match request.map_err(SecretsError::from)? {
                IncomingRequest::OAuth(request) if is_own(&request, own_id.as_str(), &parameters) => break request,
                // This command answers no other request.
                _ => {}
            },
        }
    };
    let id = &request.request_id;
    let signed_in = async {
        parameters.challenge = challenge(&request, client)?;
        let mut sign_in = match prepared {
            Some(sign_in) => sign_in,
            None => prepare(&parameters).await?,
        };
        if !browser.can_sign_in(context) {
            return Err(nobody_here().into());
        }
        let code = sign_in.authorize(&parameters, Pasting::WithoutBrowser).await?;
        Ok((code, sign_in))
    };
    let signed_in = tokio::select! {
        biased;
        signed_in = signed_in_within(timeout, signed_in) => signed_in,
        // The server withdrew the request, or the connection ended.
        token = &mut token => return token.map_err(|error| explain(error, timeout)),
    };
    let (code, sign_in) = match signed_in {
        Ok(signed_in) => signed_in,
        Err(error) => {
            give_up(&secrets, id).await;
            return Err(error);
        }
    };
    let used = sign_in.other_redirect_uri(parameters.redirect_uri.as_ref());
    let exchanged = async {
        secrets
            .provide_oauth_authorization(id, code.text().clone(), used)
            .await?;
        token.await
    };
    let token = exchanged.await;
    sign_in.finish(&token).await;
    token.map_err(|error| explain(error, timeout))
}

/// Whether the request is the one that this command made. Other participants may send theirs at the same time, and
/// the user has not agreed to those. Other servers do not name the requester: then the client and the redirect URI
/// identify the request, whose port others do not know unless the user named it.
fn is_own(request: &OAuthTokenRequest, own_id: &str, parameters: &AuthorizationParameters) -> bool {
    let sent = &request.request;
    let client = sent.oauth.as_ref();
    let same_client = client.is_some_and(|client| client.client_id == parameters.client_id);
    let redirect_uri = parameters.redirect_uri.as_ref().map(ToString::to_string);
    let is_from_here = request
        .requester
        .as_ref()
        .is_none_or(|requester| requester.id == own_id);
    is_from_here && same_client && sent.redirect_uri == redirect_uri
}

fn challenge(
    request: &OAuthTokenRequest,
    client: &OAuthClientConfig,
) -> anyhow::Result<Option<PkceChallenge>> {
    if client.no_pkce == Some(true) {
        return Ok(None);
    }
    let challenge = request.challenge.as_deref().and_then(PkceChallenge::parse);
    Ok(Some(
        challenge.context("the server sent no usable PKCE challenge")?,
    ))
}

/// The error where nobody sees a browser or the address to open in one.
fn nobody_here() -> CommandError {
    CommandError::new(
        Kind::NotPermitted,
        "the room has no token, and nobody can sign in here: there is neither a browser nor a terminal",
    )
    .hint("sign in once at a terminal; --offline takes what the room has, --from asks a participant, and --no-browser prints the address all the same")
}

/// Withdraws the request. The error is shown by the caller; without a connection there is nothing to withdraw.
async fn give_up(secrets: &SecretsClient, id: &RequestId) {
    let _ = secrets.reject_oauth_authorization(id, "").await;
}

fn explain(error: SecretsError, timeout: Duration) -> anyhow::Error {
    match error.code() {
        // The server removes the request when its time is over.
        Some(ErrorCode::Timeout | ErrorCode::NotFound) => nobody_in_time(timeout).into(),
        _ => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::oauth::RedirectUri;

    #[test]
    fn only_the_own_request_is_answered() {
        let parameters = AuthorizationParameters {
            endpoint: "https://idp.example/".parse().unwrap(),
            client_id: "c".to_owned(),
            scopes: Vec::new(),
            challenge: None,
            redirect_uri: Some(RedirectUri::parse("http://127.0.0.1:7/cb").unwrap()),
        };
        let is_own = |client: &str, redirect_uri: &str, requester: Value| {
            let request = json!({
                "request_id": "r", "requester": requester,
                "request": {"oauth": {"client_id": client}, "redirect_uri": redirect_uri},
            });
            is_own(&serde_json::from_value(request).unwrap(), "me", &parameters)
        };
        let uri = "http://127.0.0.1:7/cb";
        assert!(is_own("c", uri, json!({"id": "me", "name": "bob"})));
        assert!(is_own("c", uri, Value::Null));
        // Another participant of the same name.
        assert!(!is_own("c", uri, json!({"id": "other", "name": "bob"})));
        assert!(!is_own("d", uri, Value::Null));
        assert!(!is_own("c", "http://127.0.0.1:8/cb", Value::Null));
    }
}
