//! Answers the requests to a loopback listener, and recognizes the callback among them.

use hyper::header::{HOST, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use tokio::sync::{mpsc, watch};

use crate::net::authority;
use crate::oauth::{
    AuthorizationCode, CallbackError, CsrfState, ExpectedCallback, RedirectUri, SignInOutcome, callback, page,
};

type CallbackResult = Result<AuthorizationCode, CallbackError>;

/// The state of the sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// No callback yet.
    Pending,
    /// The callback has come.
    Received,
    /// The sign-in has ended.
    Finished(SignInOutcome),
    /// The browser has the last page.
    Shown,
}

/// The state that the connections of one listener share.
#[derive(Debug)]
pub(super) struct CallbackHandler {
    /// The `Host` of requests to the redirect URI. Another one is refused: it is a DNS rebinding attack.
    host: String,
    path: String,
    page_path: String,
    expected: ExpectedCallback,
    answers: mpsc::Sender<CallbackResult>,
    phase: watch::Sender<Phase>,
}

impl CallbackHandler {
    pub(super) fn new(
        redirect_uri: &RedirectUri,
        page: &CsrfState,
        expected: ExpectedCallback,
        answers: mpsc::Sender<CallbackResult>,
    ) -> Self {
        Self {
            host: authority(redirect_uri.url()),
            path: redirect_uri.url().path().to_owned(),
            page_path: format!("/done/{}", page.text().expose()),
            expected,
            answers,
            phase: watch::Sender::new(Phase::Pending),
        }
    }

    /// The response to a request, and whether it is the last page.
    pub(super) async fn answer<B>(&self, request: &Request<B>) -> (Response<String>, bool) {
        if let Some(refused) = self.refuse(request) {
            return (page::refusal(refused), false);
        }
        if request.uri().path() == self.page_path {
            return (self.page().await, true);
        }
        (self.callback(request.uri().query().unwrap_or_default()), false)
    }

    /// Ends the sign-in, for the last page.
    pub(super) fn finish(&self, outcome: SignInOutcome) {
        self.phase.send_replace(Phase::Finished(outcome));
    }

    /// Notes that the last page was sent completely.
    pub(super) fn showed(&self) {
        self.phase.send_replace(Phase::Shown);
    }

    /// Waits until the last page was sent completely.
    pub(super) async fn shown(&self) {
        // It fails only if the sender was dropped, and `self` holds it.
        let _ = self
            .phase
            .subscribe()
            .wait_for(|phase| *phase == Phase::Shown)
            .await;
    }

    fn refuse<B>(&self, request: &Request<B>) -> Option<StatusCode> {
        let mut hosts = request.headers().get_all(HOST).iter();
        let host = hosts.next().map(HeaderValue::as_bytes);
        let uri = request.uri();
        // A target in absolute form is for a proxy, and its host takes precedence over `Host`.
        if host != Some(self.host.as_bytes()) || hosts.next().is_some() || uri.authority().is_some() {
            return Some(StatusCode::FORBIDDEN);
        }
        let phase = *self.phase.borrow();
        let known = uri.path() == self.path || (phase != Phase::Pending && uri.path() == self.page_path);
        if !known {
            return Some(StatusCode::NOT_FOUND);
        }
        (request.method() != Method::GET).then_some(StatusCode::METHOD_NOT_ALLOWED)
    }

    fn callback(&self, query: &str) -> Response<String> {
        if *self.phase.borrow() != Phase::Pending {
            return page::answered_already();
        }
        let answer = callback::read(query, &self.expected);
        if let Err(error) = &answer
            && !error.is_final()
        {
            tracing::info!(%error, "a request to the redirect URI is not the callback");
            return page::not_the_answer();
        }
        // Of two callbacks at the same time only one is received.
        let is_first = self.phase.send_if_modified(|phase| {
            let waiting = *phase == Phase::Pending;
            if waiting {
                *phase = Phase::Received;
            }
            waiting
        });
        if !is_first || self.answers.try_send(answer).is_err() {
            return page::answered_already();
        }
        page::redirect(&self.page_path)
    }

    async fn page(&self) -> Response<String> {
        let mut phase = self.phase.subscribe();
        let is_over = |phase: &Phase| matches!(phase, Phase::Finished(_) | Phase::Shown);
        match phase.wait_for(is_over).await.map(|phase| *phase) {
            Ok(Phase::Finished(outcome)) => page::outcome(outcome),
            _ => page::answered_already(),
        }
    }
}
