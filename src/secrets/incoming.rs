//! Requests from other participants, and the answers to them (protocol, "Requests").

use serde_json::Value;

use super::{SecretsClient, SecretsError, expect_done};
use crate::room::{RoomError, Subscription};
use crate::sensitive::SecretValue;
use crate::wire::secrets::request::{
    OAUTH_TOKEN_REQUEST, OAuthTokenRequest, ProvideSecret, REQUEST_WITHDRAWN, RequestWithdrawn,
    SECRET_REQUEST, SecretRequest,
};
use crate::wire::secrets::tool;
use crate::wire::{Content, DecodeError, Header, Message, RequestId};

/// A request to this participant, or its withdrawal.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum IncomingRequest {
    /// A request for a secret.
    Secret(SecretRequest),
    /// A request to authorize a client at an OAuth provider.
    OAuth(OAuthTokenRequest),
    /// A request was withdrawn: an answer to it fails with code 1003. Other servers do not send this.
    Withdrawn(RequestWithdrawn),
    /// A request in a form that is not known. It can be rejected by its id.
    Unreadable {
        /// Type of the message.
        message_type: String,
        /// Id of the request, if it could be read.
        request_id: Option<RequestId>,
        /// Why it cannot be read.
        error: DecodeError,
    },
}

/// The requests to this participant, from the moment [`SecretsClient::incoming_requests`] was called.
#[derive(Debug)]
pub struct IncomingRequests {
    pushed: Subscription,
}

impl IncomingRequests {
    /// Waits for the next request. Cancel safe: when the future is dropped, no request is lost.
    ///
    /// # Errors
    /// Why the connection ended.
    pub async fn next(&mut self) -> Result<IncomingRequest, RoomError> {
        loop {
            let message = self.pushed.next().await?;
            if let Some(request) = incoming(message) {
                return Ok(request);
            }
        }
    }
}

impl SecretsClient {
    /// Subscribes to the requests to this participant from now on. Read them as they come: see
    /// [`Subscription`].
    pub fn incoming_requests(&self) -> IncomingRequests {
        IncomingRequests {
            pushed: self.room.subscribe(),
        }
    }

    /// Answers a request for a secret. The server stores the value: this participant owns it, and it is the answer to
    /// later requests of the same kind.
    ///
    /// # Errors
    /// Code 1003 if this participant has no such request to answer, or has it no longer; 1002 if the value exceeds the
    /// server's limit. After a 1002 the request is still open.
    pub async fn provide_secret(
        &self,
        request_id: &RequestId,
        value: SecretValue,
    ) -> Result<(), SecretsError> {
        self.answer_request(request_id, None, value).await
    }

    /// Rejects a request for a secret. The requester gets the reason.
    ///
    /// # Errors
    /// Code 1003 as for [`SecretsClient::provide_secret`].
    pub async fn reject_secret(&self, request_id: &RequestId, reason: &str) -> Result<(), SecretsError> {
        let nothing = SecretValue::default();
        self.answer_request(request_id, Some(reason.to_owned()), nothing)
            .await
    }

    async fn answer_request(
        &self,
        request_id: &RequestId,
        error: Option<String>,
        value: SecretValue,
    ) -> Result<(), SecretsError> {
        let headers = ProvideSecret {
            request_id: request_id.to_string(),
            error,
        };
        let input = Content::binary(&headers, value)?;
        expect_done(tool::PROVIDE, self.call(tool::PROVIDE, input).await?)
    }
}

/// Reads a pushed message; none if it is not about a request.
fn incoming(message: Message) -> Option<IncomingRequest> {
    let message_type = message.kind.clone();
    if ![SECRET_REQUEST, OAUTH_TOKEN_REQUEST, REQUEST_WITHDRAWN].contains(&message_type.as_str()) {
        return None;
    }
    let unreadable = |request_id, error| IncomingRequest::Unreadable {
        message_type: message_type.clone(),
        request_id,
        error,
    };
    let header = match message.read::<Header>() {
        Ok((header, _)) => header,
        Err(error) => return Some(unreadable(None, error)),
    };
    let id = header.get("request_id").and_then(Value::as_str);
    let id = id.and_then(|id| RequestId::new(id).ok());
    let header = Value::Object(header);
    let read = match message_type.as_str() {
        SECRET_REQUEST => serde_json::from_value(header).map(IncomingRequest::Secret),
        OAUTH_TOKEN_REQUEST => serde_json::from_value(header).map(IncomingRequest::OAuth),
        _ => serde_json::from_value(header).map(IncomingRequest::Withdrawn),
    };
    Some(read.unwrap_or_else(|_| unreadable(id, DecodeError::BadInput)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(kind: &str, header: &Value) -> Option<IncomingRequest> {
        incoming(Message::new(1, kind, header, SecretValue::default()).unwrap())
    }

    #[test]
    fn requests_of_other_servers_are_read() {
        let request =
            json!({"url": "u", "type": "git", "participant_id": "p", "timeout": 300, "delegate_to": null});
        let asked = read(SECRET_REQUEST, &json!({"request_id": "1", "request": request}));
        let Some(IncomingRequest::Secret(asked)) = asked else {
            panic!("{asked:?}")
        };
        assert_eq!((asked.request.url.as_str(), asked.requester), ("u", None));

        let oauth = json!({"client_id": "c", "client_secret": "canary", "authorization_endpoint": "a",
            "token_endpoint": "t", "no_pkce": false, "scopes": ["s"]});
        let request = json!({"connector": null, "oauth": oauth, "redirect_uri": "r"});
        let asked = read(
            OAUTH_TOKEN_REQUEST,
            &json!({"request_id": "2", "request": request, "challenge": "x"}),
        );
        assert!(!format!("{asked:?}").contains("canary"), "{asked:?}");
        let Some(IncomingRequest::OAuth(asked)) = asked else {
            panic!("{asked:?}")
        };
        assert_eq!(asked.request.oauth.unwrap().scopes.unwrap(), ["s"]);
        assert_eq!(asked.challenge.as_deref(), Some("x"));

        let withdrawn = read(REQUEST_WITHDRAWN, &json!({"request_id": "3"}));
        assert!(
            matches!(withdrawn, Some(IncomingRequest::Withdrawn(_))),
            "{withdrawn:?}"
        );
    }

    #[test]
    fn what_cannot_be_read_is_survived_and_can_be_rejected() {
        for (header, expected) in [
            (json!({"request_id": "1"}), Some("1")),
            (json!({"request_id": "1", "request": "x"}), Some("1")),
            (json!({"request_id": "1", "request": {"url": 5}}), Some("1")),
            (json!({"request_id": 1, "request": {}}), None),
            (json!({"request_id": "a\nb", "request": {}}), None),
            (json!([]), None),
        ] {
            let read = read(SECRET_REQUEST, &header);
            let Some(IncomingRequest::Unreadable { request_id, .. }) = read else {
                panic!("{read:?}")
            };
            assert_eq!(request_id.as_ref().map(RequestId::as_str), expected, "{header}");
        }
    }

    #[test]
    fn other_messages_are_none() {
        assert_eq!(read("messaging.send", &json!({"request_id": "1"})), None);
        assert_eq!(read("secrets.something_new", &json!({"request_id": "1"})), None);
    }
}
