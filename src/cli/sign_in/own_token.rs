//! A token for oneself: the one who asks is the one who signs in, over one connection.

use std::pin::pin;
use std::time::Duration;

use anyhow::Context as _;

use super::{BrowserArgs, Pasting, SignIn, Wanted, nobody_in_time, signed_in_within};
use crate::cli::context::Context;
use crate::cli::room::JoinedRoom;
use crate::cli::ui::terminal::Console;
use crate::oauth::PkceChallenge;
use crate::secrets::{IncomingRequest, OAuthTokenOptions, SecretsClient, SecretsError};
use crate::sensitive::SensitiveText;
use crate::wire::secrets::oauth::OAuthClientConfig;
use crate::wire::secrets::request::OAuthTokenRequest;
use crate::wire::{ErrorCode, Identity, RequestId};

/// What a token is asked for.
#[derive(Debug)]
pub(in crate::cli) struct Asking<'a> {
    pub(in crate::cli) client: &'a OAuthClientConfig,
    /// The same for the browser; the challenge is still to come.
    pub(in crate::cli) wanted: Wanted,
    pub(in crate::cli) browser: BrowserArgs,
    pub(in crate::cli) delegate_to: Option<Identity>,
    /// Time to sign in.
    pub(in crate::cli) timeout: Duration,
}

/// An access token: from the credential that the room holds, else by signing in.
pub(in crate::cli) async fn token_for_oneself(
    context: &Context,
    room: &JoinedRoom,
    asking: Asking<'_>,
) -> anyhow::Result<SensitiveText> {
    let console = Console::new(&context.ui);
    let secrets = room.secrets();
    let own_id = room.client().participant_id();
    let own_id = own_id.context("the server does not say who you are in the room")?;
    let Asking {
        client,
        mut wanted,
        browser,
        delegate_to,
        timeout,
    } = asking;
    let prepare = async |wanted: &Wanted| {
        SignIn::prepare(context, &console, browser, wanted.redirect_uri.as_ref()).await
    };
    // A free port is taken before the server is asked, for not every server can be told later which it was.
    // One that was given may be another's, which matters only if somebody has to sign in.
    let given = wanted.redirect_uri.as_ref();
    let mut prepared = None;
    if given.is_none_or(|uri| uri.is_loopback() && uri.port().is_none()) {
        let sign_in = prepare(&wanted).await?;
        wanted.redirect_uri = Some(sign_in.redirect_uri().clone());
        prepared = Some(sign_in);
    }
    let options = OAuthTokenOptions {
        redirect_uri: wanted.redirect_uri.as_ref().map(ToString::to_string),
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
                IncomingRequest::OAuth(request) if is_own(&request, own_id.as_str(), &wanted) => break request,
                // Whoever asks for something else is not answered by this command.
                _ => {}
            },
        }
    };
    let id = &request.request_id;
    let signed_in = async {
        wanted.challenge = challenge(&request, client)?;
        let mut sign_in = match prepared {
            Some(sign_in) => sign_in,
            None => prepare(&wanted).await?,
        };
        let code = sign_in.authorize(&wanted, Pasting::WithoutBrowser).await?;
        Ok((code, sign_in))
    };
    let signed_in = tokio::select! {
        biased;
        signed_in = signed_in_within(timeout, signed_in) => signed_in,
        // The server takes the request back, or is gone.
        token = &mut token => return token.map_err(|error| explain(error, timeout)),
    };
    let (code, sign_in) = match signed_in {
        Ok(signed_in) => signed_in,
        Err(error) => {
            give_up(&secrets, id).await;
            return Err(error);
        }
    };
    let used = sign_in.other_redirect_uri(wanted.redirect_uri.as_ref());
    let handed_on = async {
        secrets
            .provide_oauth_authorization(id, code.text().clone(), used)
            .await?;
        token.await
    };
    let token = handed_on.await;
    sign_in.finish(&token).await;
    token.map_err(|error| explain(error, timeout))
}

/// Whether the request is the one that this command made. Others in the room may ask at the same time, and
/// nobody has said yes to them. A server of others does not say who asks; then it is known by the client and
/// the redirect URI, of which others do not know the port unless it was given.
fn is_own(request: &OAuthTokenRequest, own_id: &str, wanted: &Wanted) -> bool {
    let asked = &request.request;
    let client = asked.oauth.as_ref();
    let same_client = client.is_some_and(|client| client.client_id == wanted.client_id);
    let redirect_uri = wanted.redirect_uri.as_ref().map(ToString::to_string);
    let by_oneself = request
        .requester
        .as_ref()
        .is_none_or(|requester| requester.id == own_id);
    by_oneself && same_client && asked.redirect_uri == redirect_uri
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

/// Takes the request back. What went wrong is said here, and a server that is gone needs no answer.
async fn give_up(secrets: &SecretsClient, id: &RequestId) {
    let _ = secrets.reject_oauth_authorization(id, "").await;
}

fn explain(error: SecretsError, timeout: Duration) -> anyhow::Error {
    match error.code() {
        // The request is not there any more when its time is over.
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
        let wanted = Wanted {
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
            is_own(&serde_json::from_value(request).unwrap(), "me", &wanted)
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
