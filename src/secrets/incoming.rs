//! Being asked by other participants, and answering.

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

/// What somebody asks of this participant, or takes back.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum IncomingRequest {
    /// A secret is asked for.
    Secret(SecretRequest),
    /// The authorization of a client at an OAuth provider is asked for.
    OAuth(OAuthTokenRequest),
    /// A request needs no answer any more; none is taken. Servers of others do not say so.
    Withdrawn(RequestWithdrawn),
    /// Something is asked in a form that is not known here.
    Unreadable {
        /// Type of the message.
        message_type: String,
        /// The request, to reject it, if that much could be read.
        request_id: Option<RequestId>,
        /// What is wrong with it.
        error: DecodeError,
    },
}

/// What others ask of this participant, from when this was made.
#[derive(Debug)]
pub struct IncomingRequests {
    pushed: Subscription,
}

impl IncomingRequests {
    /// The next one. A call that is not awaited to its end loses none.
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
    /// What others ask of this participant from now on.
    pub fn incoming_requests(&self) -> IncomingRequests {
        IncomingRequests {
            pushed: self.room.subscribe(),
        }
    }

    /// Answers a request for a secret. The server keeps the value for the next request of the same kind.
    ///
    /// # Errors
    /// Code 1003 if the request does not wait for this participant's answer, or not any more; 1002 if the
    /// value is larger than the server takes, and the request goes on.
    pub async fn provide_secret(
        &self,
        request_id: &RequestId,
        value: SecretValue,
    ) -> Result<(), SecretsError> {
        self.answer_request(request_id, None, value).await
    }

    /// Rejects a request for a secret; whoever asked is told the reason.
    ///
    /// # Errors
    /// Code 1003 if the request does not wait for this participant's answer, or not any more.
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

/// The request that a message is; none if it is something else.
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
