//! The requests of one connection that wait for an answer.

use std::collections::HashMap;

use tokio::sync::oneshot;

use super::request::Asked;
use crate::cli::ui::terminal::Console;
use crate::secrets::IncomingRequest;
use crate::wire::RequestId;
use crate::wire::secrets::request::{OAUTH_TOKEN_REQUEST, SECRET_REQUEST, withdrawn};

/// What becomes of a request when its time is over.
pub(super) const TIME_IS_OVER: &str = "taken back, the time is over";

/// The requests that wait for an answer, each with a way to tell whoever works on it that nobody waits any
/// more.
#[derive(Debug, Default)]
pub(super) struct OpenRequests(HashMap<RequestId, oneshot::Sender<String>>);

/// A request that waits for an answer.
#[derive(Debug)]
pub(super) struct OpenRequest {
    pub(super) id: RequestId,
    /// What it is about; if it cannot be read, the type of its message.
    pub(super) asked: Result<Asked, String>,
    /// What became of it, when nobody waits any more.
    pub(super) taken_back: oneshot::Receiver<String>,
}

impl OpenRequests {
    /// A request that is to be answered, if this is one. One that is taken back is told so.
    pub(super) fn accept(&mut self, request: IncomingRequest, console: &Console) -> Option<OpenRequest> {
        match request {
            IncomingRequest::Secret(request) => {
                let asked = Asked::from(&request);
                // What has no id cannot be answered.
                let id = RequestId::new(request.request_id).ok()?;
                return Some(self.open(id, Ok(asked)));
            }
            IncomingRequest::OAuth(request) => {
                let asked = Asked::from(&request);
                let id = RequestId::new(request.request_id).ok()?;
                return Some(self.open(id, Ok(asked)));
            }
            IncomingRequest::Withdrawn(request) => {
                let id = RequestId::new(request.request_id).ok()?;
                if let Some(withdraw) = self.0.remove(&id) {
                    // It may just have been answered.
                    let _ = withdraw.send(taken_back(&request.reason));
                }
            }
            IncomingRequest::Unreadable {
                message_type,
                request_id,
                error,
            } => {
                tracing::info!(%message_type, %error, "a request cannot be read");
                console.note("Somebody asked for something in a form that is not known here.");
                let is_request = [SECRET_REQUEST, OAUTH_TOKEN_REQUEST].contains(&message_type.as_str());
                let id = request_id.filter(|_| is_request)?;
                return Some(self.open(id, Err(message_type)));
            }
        }
        None
    }

    fn open(&mut self, id: RequestId, asked: Result<Asked, String>) -> OpenRequest {
        let (withdraw, taken_back) = oneshot::channel();
        self.0.insert(id.clone(), withdraw);
        OpenRequest {
            id,
            asked,
            taken_back,
        }
    }

    /// A request that nobody works on any more.
    pub(super) fn close(&mut self, id: &RequestId) {
        self.0.remove(id);
    }

    /// Nobody waits for any of them, and that is what became of them.
    pub(super) fn withdraw_all(self, outcome: &str) {
        for (_, withdraw) in self.0 {
            // It may just have been answered.
            let _ = withdraw.send(outcome.to_owned());
        }
    }
}

/// That a request was taken back, and why, for people.
fn taken_back(reason: &str) -> String {
    match reason {
        withdrawn::BY_REQUESTER => "taken back, the other side does not wait any more".to_owned(),
        withdrawn::TIMED_OUT => TIME_IS_OVER.to_owned(),
        "" => "taken back, the server does not say why".to_owned(),
        other => format!("taken back, {other}"),
    }
}
