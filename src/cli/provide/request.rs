//! A request of another participant, as rules match it and as it is shown.

use std::time::{Duration, Instant};

use super::oauth_request::OAuthRequest;
use crate::cli::ui::text::escape_name;
use crate::wire::secrets::DEFAULT_TYPE;
use crate::wire::secrets::request::{
    DEFAULT_TIMEOUT_SECONDS, MAX_TIMEOUT_SECONDS, OAuthTokenRequest, Requester, SecretRequest,
};

/// Longest part of another participant's text that is shown, in characters.
const MAX_SHOWN_CHARS: usize = 200;

/// A request, in the terms of rules and prompts.
#[derive(Debug, Clone)]
pub(super) struct ReceivedRequest {
    /// The requester; none where the server does not say.
    pub(super) requester: Option<Requester>,
    /// The identity that may read the stored answer, if the request names one.
    pub(super) delegate_to: Option<String>,
    /// The time that the requester waits.
    pub(super) timeout: Duration,
    /// The end of that time.
    pub(super) deadline: Instant,
    /// What is requested.
    pub(super) kind: RequestKind,
}

/// What is requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RequestKind {
    /// A secret.
    Secret { url: String, secret_type: String },
    /// An authorization at an OAuth provider.
    OAuth(OAuthRequest),
}

/// Whether a request is still open.
#[derive(Debug, Clone, Copy)]
pub(super) enum Tense {
    Present,
    Past,
}

impl From<&SecretRequest> for ReceivedRequest {
    fn from(pushed: &SecretRequest) -> Self {
        let request = &pushed.request;
        let what = RequestKind::Secret {
            url: request.url.clone(),
            secret_type: request
                .secret_type
                .clone()
                .unwrap_or_else(|| DEFAULT_TYPE.to_owned()),
        };
        Self::new(
            what,
            pushed.requester.as_ref(),
            request.delegate_to.as_ref(),
            request.timeout,
        )
    }
}

impl From<&OAuthTokenRequest> for ReceivedRequest {
    fn from(pushed: &OAuthTokenRequest) -> Self {
        let request = &pushed.request;
        let kind = RequestKind::OAuth(OAuthRequest {
            client: request.oauth.clone().unwrap_or_default(),
            challenge: pushed.challenge.clone(),
            redirect_uri: request.redirect_uri.clone(),
        });
        Self::new(
            kind,
            pushed.requester.as_ref(),
            request.delegate_to.as_ref(),
            request.timeout,
        )
    }
}

impl ReceivedRequest {
    fn new(
        kind: RequestKind,
        requester: Option<&Requester>,
        delegate_to: Option<&String>,
        timeout: Option<u64>,
    ) -> Self {
        // No server that keeps to the protocol waits for longer.
        let seconds = timeout
            .unwrap_or(DEFAULT_TIMEOUT_SECONDS)
            .min(MAX_TIMEOUT_SECONDS);
        let timeout = Duration::from_secs(seconds);
        Self {
            requester: requester.cloned(),
            delegate_to: delegate_to.cloned(),
            timeout,
            deadline: Instant::now() + timeout,
            kind,
        }
    }
}

impl ReceivedRequest {
    /// Whether the answer is for the requester alone.
    pub(super) fn is_for_requester_alone(&self) -> bool {
        match (&self.delegate_to, &self.requester) {
            (None, _) => true,
            (Some(delegate), Some(requester)) => *delegate == requester.name,
            (Some(_), None) => false,
        }
    }

    /// The requester's name, escaped.
    fn who(&self) -> String {
        self.requester.as_ref().map_or_else(
            || "somebody unknown".to_owned(),
            |requester| shown(&requester.name),
        )
    }

    /// What is requested, escaped.
    fn summary(&self) -> String {
        let what = match &self.kind {
            RequestKind::Secret { url, secret_type } => {
                format!("{} (type {})", shown(url), shown(secret_type))
            }
            RequestKind::OAuth(oauth) => {
                format!("an authorization for client {}", shown(&oauth.client.client_id))
            }
        };
        match self.delegate() {
            Some(delegate) => format!("{what}, for {}", shown(delegate)),
            None => what,
        }
    }

    /// The identity that gets the answer beside the requester.
    pub(super) fn delegate(&self) -> Option<&str> {
        self.delegate_to
            .as_deref()
            .filter(|_| !self.is_for_requester_alone())
    }

    /// A line that says what happens with the request, or what has happened.
    pub(super) fn status_line(&self, tense: Tense, status: &str) -> String {
        let verb = match tense {
            Tense::Present => "asks",
            Tense::Past => "asked",
        };
        format!("{} {verb} for {}: {status}.", self.who(), self.summary())
    }

    /// The time that is left to answer.
    pub(super) fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

/// Another participant's text, escaped for a terminal and cut to what can be read.
pub(super) fn shown(text: &str) -> String {
    let total = text.chars().count();
    if total <= MAX_SHOWN_CHARS {
        return escape_name(text);
    }
    let start: String = text.chars().take(MAX_SHOWN_CHARS).collect();
    format!("{}… ({total} characters)", escape_name(&start))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A request of bob's for a secret.
    pub(in crate::cli::provide) fn received(url: &str, secret_type: &str) -> ReceivedRequest {
        ReceivedRequest {
            requester: Some(Requester {
                id: "p1".to_owned(),
                name: "bob".to_owned(),
            }),
            delegate_to: None,
            timeout: Duration::from_mins(5),
            deadline: Instant::now() + Duration::from_mins(5),
            kind: RequestKind::Secret {
                url: url.to_owned(),
                secret_type: secret_type.to_owned(),
            },
        }
    }

    #[test]
    fn what_others_wrote_cannot_steer_the_terminal() {
        let received = received("https://a\x1b[2J", "t\r");
        assert_eq!(received.summary(), "https://a\\u{1b}[2J (type t\\u{d})");
        let long = shown(&"\x07".repeat(1_000_000));
        assert!(
            long.len() < 3_000 && long.ends_with("… (1000000 characters)"),
            "{long}"
        );
    }

    #[test]
    fn a_delegate_is_somebody_else_unless_it_is_the_one_who_asks() {
        let mut received = received("u", "");
        for (delegate_to, alone) in [(None, true), (Some("bob"), true), (Some("eve"), false)] {
            received.delegate_to = delegate_to.map(str::to_owned);
            assert_eq!(received.is_for_requester_alone(), alone, "{delegate_to:?}");
            let expected = if alone { "u (type )" } else { "u (type ), for eve" };
            assert_eq!(received.summary(), expected, "{delegate_to:?}");
        }
        received.requester = None;
        received.delegate_to = Some("bob".to_owned());
        assert!(!received.is_for_requester_alone());
    }
}
