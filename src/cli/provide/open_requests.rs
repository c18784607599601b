//! The open requests of one connection.

use std::collections::HashMap;

use tokio::sync::oneshot;

use super::request::ReceivedRequest;
use crate::cli::ui::terminal::Console;
use crate::secrets::IncomingRequest;
use crate::wire::RequestId;
use crate::wire::secrets::request::{OAUTH_TOKEN_REQUEST, SECRET_REQUEST, withdrawn};

/// The outcome of a request whose time is over.
pub(super) const TIME_IS_OVER: &str = "taken back, the time is over";

/// The open requests, each with a channel that tells the task which answers it when the request is withdrawn.
#[derive(Debug, Default)]
pub(super) struct OpenRequests(HashMap<RequestId, oneshot::Sender<String>>);

/// A request that waits for an answer.
#[derive(Debug)]
pub(super) struct OpenRequest {
    pub(super) id: RequestId,
    /// The request; if it cannot be read, the type of its message.
    pub(super) received: Result<ReceivedRequest, String>,
    /// The reason, once the request is withdrawn.
    pub(super) withdrawal: oneshot::Receiver<String>,
}

impl OpenRequests {
    /// Takes a message in: returns a new request that is to be answered, and passes a withdrawal on.
    pub(super) fn accept(&mut self, request: IncomingRequest, console: &Console) -> Option<OpenRequest> {
        match request {
            IncomingRequest::Secret(request) => {
                let received = ReceivedRequest::from(&request);
                // A request without an id cannot be answered.
                let id = RequestId::new(request.request_id).ok()?;
                return Some(self.open(id, Ok(received)));
            }
            IncomingRequest::OAuth(request) => {
                let received = ReceivedRequest::from(&request);
                let id = RequestId::new(request.request_id).ok()?;
                return Some(self.open(id, Ok(received)));
            }
            IncomingRequest::Withdrawn(request) => {
                let id = RequestId::new(request.request_id).ok()?;
                if let Some(withdraw) = self.0.remove(&id) {
                    // The request may have been answered meanwhile.
                    let _ = withdraw.send(withdrawal_text(&request.reason));
                }
            }
            IncomingRequest::Unreadable {
                message_type,
                request_id,
                error,
            } => {
                tracing::info!(%message_type, %error, "a request cannot be read");
                console.note("A participant sent a request in a form that this version does not know.");
                let is_request = [SECRET_REQUEST, OAUTH_TOKEN_REQUEST].contains(&message_type.as_str());
                let id = request_id.filter(|_| is_request)?;
                return Some(self.open(id, Err(message_type)));
            }
        }
        None
    }

    fn open(&mut self, id: RequestId, received: Result<ReceivedRequest, String>) -> OpenRequest {
        let (withdraw, withdrawal) = oneshot::channel();
        self.0.insert(id.clone(), withdraw);
        OpenRequest {
            id,
            received,
            withdrawal,
        }
    }

    /// Removes a request that was answered.
    pub(super) fn close(&mut self, id: &RequestId) {
        self.0.remove(id);
    }

    /// Withdraws all requests, for this reason.
    pub(super) fn withdraw_all(self, reason: &str) {
        for (_, withdraw) in self.0 {
            // The request may have been answered meanwhile.
            let _ = withdraw.send(reason.to_owned());
        }
    }
}

/// The text for a withdrawal.
fn withdrawal_text(reason: &str) -> String {
    match reason {
        withdrawn::BY_REQUESTER => "taken back, the other side does not wait any more".to_owned(),
        withdrawn::TIMED_OUT => TIME_IS_OVER.to_owned(),
        "" => "taken back, the server does not say why".to_owned(),
        other => format!("taken back, {other}"),
    }
}
