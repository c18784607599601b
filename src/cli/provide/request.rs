//! What a participant asks of us, as rules match it and as it is shown.

use std::time::{Duration, Instant};

use super::oauth_request::OAuthAsked;
use crate::cli::ui::text::escape_name;
use crate::wire::secrets::DEFAULT_TYPE;
use crate::wire::secrets::request::{
    DEFAULT_TIMEOUT_SECONDS, MAX_TIMEOUT_SECONDS, OAuthTokenRequest, Requester, SecretRequest,
};

/// Longest part of a text of somebody else's that is shown, in characters.
const MAX_SHOWN_CHARS: usize = 200;

/// A request, in the terms of rules and prompts.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// Who asks; none where the server does not say.
    pub(super) requester: Option<Requester>,
    /// Who may read the answer again, if it is not just the one who asks.
    pub(super) delegate_to: Option<String>,
    /// The time that whoever asks waits.
    pub(super) timeout: Duration,
    /// When that is over.
    pub(super) deadline: Instant,
    /// What it is about.
    pub(super) what: What,
}

/// What a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// A secret.
    Secret { url: String, secret_type: String },
    /// An authorization at an OAuth provider.
    OAuth(OAuthAsked),
}

impl From<&SecretRequest> for Asked {
    fn from(pushed: &SecretRequest) -> Self {
        let request = &pushed.request;
        let what = What::Secret {
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

impl From<&OAuthTokenRequest> for Asked {
    fn from(pushed: &OAuthTokenRequest) -> Self {
        let request = &pushed.request;
        let what = What::OAuth(OAuthAsked {
            client: request.oauth.clone().unwrap_or_default(),
            challenge: pushed.challenge.clone(),
            redirect_uri: request.redirect_uri.clone(),
        });
        Self::new(
            what,
            pushed.requester.as_ref(),
            request.delegate_to.as_ref(),
            request.timeout,
        )
    }
}

impl Asked {
    fn new(
        what: What,
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
            what,
        }
    }
}

impl Asked {
    /// Whether the answer goes to the one who asks and to nobody else.
    pub(super) fn is_for_requester_alone(&self) -> bool {
        match (&self.delegate_to, &self.requester) {
            (None, _) => true,
            (Some(delegate), Some(requester)) => *delegate == requester.name,
            (Some(_), None) => false,
        }
    }

    /// Who asks, as it is shown.
    fn who(&self) -> String {
        self.requester.as_ref().map_or_else(
            || "somebody unknown".to_owned(),
            |requester| shown(&requester.name),
        )
    }

    /// What is asked for, as it is shown.
    fn summary(&self) -> String {
        let what = match &self.what {
            What::Secret { url, secret_type } => format!("{} (type {})", shown(url), shown(secret_type)),
            What::OAuth(oauth) => format!("an authorization for client {}", shown(&oauth.client.client_id)),
        };
        match self.delegate() {
            Some(delegate) => format!("{what}, for {}", shown(delegate)),
            None => what,
        }
    }

    /// Who is to have the answer, where that is not just the one who asks.
    pub(super) fn delegate(&self) -> Option<&str> {
        self.delegate_to
            .as_deref()
            .filter(|_| !self.is_for_requester_alone())
    }

    /// The line that says what became of it.
    pub(super) fn became(&self, outcome: &str) -> String {
        format!("{} asked for {}: {outcome}.", self.who(), self.summary())
    }

    /// The line that says what is being done about it.
    pub(super) fn begins(&self, what: &str) -> String {
        format!("{} asks for {}: {what}.", self.who(), self.summary())
    }

    /// The time that is left to answer.
    pub(super) fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

/// Text of somebody else's, fit for a terminal, and no more of it than can be read.
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
    pub(in crate::cli::provide) fn asked(url: &str, secret_type: &str) -> Asked {
        Asked {
            requester: Some(Requester {
                id: "p1".to_owned(),
                name: "bob".to_owned(),
            }),
            delegate_to: None,
            timeout: Duration::from_mins(5),
            deadline: Instant::now() + Duration::from_mins(5),
            what: What::Secret {
                url: url.to_owned(),
                secret_type: secret_type.to_owned(),
            },
        }
    }

    #[test]
    fn what_others_wrote_cannot_steer_the_terminal() {
        let asked = asked("https://a\x1b[2J", "t\r");
        assert_eq!(asked.summary(), "https://a\\u{1b}[2J (type t\\u{d})");
        let long = shown(&"\x07".repeat(1_000_000));
        assert!(
            long.len() < 3_000 && long.ends_with("… (1000000 characters)"),
            "{long}"
        );
    }

    #[test]
    fn a_delegate_is_somebody_else_unless_it_is_the_one_who_asks() {
        let mut asked = asked("u", "");
        for (delegate_to, alone) in [(None, true), (Some("bob"), true), (Some("eve"), false)] {
            asked.delegate_to = delegate_to.map(str::to_owned);
            assert_eq!(asked.is_for_requester_alone(), alone, "{delegate_to:?}");
            let expected = if alone { "u (type )" } else { "u (type ), for eve" };
            assert_eq!(asked.summary(), expected, "{delegate_to:?}");
        }
        asked.requester = None;
        asked.delegate_to = Some("bob".to_owned());
        assert!(!asked.is_for_requester_alone());
    }
}
