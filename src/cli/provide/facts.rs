//! What a person is shown of a request before it is asked about.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::request::{ReceivedRequest, RequestKind, shown};
use crate::cli::ui::countdown::spoken;
use crate::cli::ui::text::shorten;

/// Columns of the requester's name in a question, which has one line.
const NAME_WIDTH: usize = 20;

/// One thing about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fact {
    pub(super) label: &'static str,
    pub(super) text: String,
    /// It is not as usual, and a yes gives more away for it.
    pub(super) is_marked: bool,
}

impl Fact {
    pub(super) fn new(label: &'static str, text: impl Into<String>) -> Self {
        Self {
            label,
            text: text.into(),
            is_marked: false,
        }
    }

    /// Marked if `it_is`.
    pub(super) fn marked_if(self, it_is: bool) -> Self {
        Self {
            is_marked: it_is,
            ..self
        }
    }
}

impl ReceivedRequest {
    /// Who asks, in front of a question.
    pub(super) fn asker(&self) -> String {
        self.requester.as_ref().map_or_else(
            || "Somebody".to_owned(),
            |requester| shorten(&shown(&requester.name), NAME_WIDTH),
        )
    }

    /// The lines that a person is shown; `mark` marks what deserves a second look.
    pub(super) fn describe(&self, mark: impl Fn(&str) -> String) -> Vec<String> {
        let kind = match self.kind {
            RequestKind::Secret { .. } => "a secret",
            RequestKind::OAuth(_) => "an OAuth authorization",
        };
        let first = match &self.requester {
            Some(requester) => format!("{} asks for {kind}.", shown(&requester.name)),
            None => mark(&format!("Somebody asks for {kind}. The server does not say who.")),
        };
        let rest = self.facts().into_iter().map(|fact| {
            let text = if fact.is_marked {
                mark(&fact.text)
            } else {
                fact.text
            };
            format!("  {:<9} {text}", fact.label)
        });
        std::iter::once(first).chain(rest).collect()
    }

    fn facts(&self) -> Vec<Fact> {
        let (mut facts, verb) = match &self.kind {
            RequestKind::Secret { url, secret_type } => (
                vec![
                    Fact::new("url", shown(url)),
                    Fact::new("type", shown(secret_type)),
                ],
                "read",
            ),
            RequestKind::OAuth(oauth) => (oauth.facts(), "use"),
        };
        if let Some(delegate) = self.delegate() {
            let text = format!("{}, who may {verb} it too from now on", shown(delegate));
            facts.push(Fact::new("delegate", text).marked_if(true));
        }
        let left = self.left();
        let zone = TimeZone::try_system().unwrap_or(TimeZone::UTC);
        let time = local_time(Timestamp::now(), left, zone);
        facts.push(Fact::new("until", format!("{time} (in {})", spoken(left))));
        facts
    }
}

/// The time of day in `zone` at the end of `left` from `now`.
fn local_time(now: Timestamp, left: Duration, zone: TimeZone) -> String {
    let left = SignedDuration::try_from(left).unwrap_or(SignedDuration::MAX);
    // The end of time is further away than a request waits.
    let until = now.saturating_add(left).unwrap_or(now);
    until.to_zoned_datetime(zone).strftime("%H:%M:%S %Z").to_string()
}

#[cfg(test)]
mod tests {
    use super::super::oauth_request::tests::oauth;
    use super::super::request::tests::received;
    use super::*;

    fn described(received: &ReceivedRequest) -> Vec<String> {
        received.describe(|text| format!("<{text}>"))
    }

    #[test]
    fn times_are_local() {
        let now: Timestamp = "2026-03-29T00:59:00Z".parse().unwrap();
        for (zone, left, expected) in [
            ("UTC0", 30, "00:59:30 UTC"),
            ("IST-5:30", 30, "06:29:30 IST"),
            ("CET-1CEST,M3.5.0,M10.5.0/3", 30, "01:59:30 CET"),
            ("CET-1CEST,M3.5.0,M10.5.0/3", 90, "03:00:30 CEST"),
        ] {
            let zone = TimeZone::posix(zone).unwrap();
            assert_eq!(local_time(now, Duration::from_secs(left), zone), expected);
        }
    }

    #[test]
    fn what_a_secret_is_asked_for_is_shown() {
        let lines = described(&received("https://a", "git"));
        assert_eq!(
            lines[..3],
            [
                "bob asks for a secret.",
                "  url       https://a",
                "  type      git"
            ]
        );
        assert!(lines[3].starts_with("  until     ") && lines[3].ends_with(" (in 5m)"));
        assert_eq!(lines.len(), 4);
    }

    #[test]
    fn another_delegate_and_an_unknown_requester_are_marked() {
        let mut received = received("https://a", "git");
        received.delegate_to = Some("bob".to_owned());
        assert_eq!(described(&received).len(), 4);
        received.delegate_to = Some("eve".to_owned());
        assert_eq!(
            described(&received)[3],
            "  delegate  <eve, who may read it too from now on>"
        );
        received.requester = None;
        assert_eq!(
            described(&received)[0],
            "<Somebody asks for a secret. The server does not say who.>"
        );
        assert_eq!(received.asker(), "Somebody");
        received.kind = RequestKind::OAuth(oauth("c", "https://a", "https://a"));
        assert!(
            described(&received).contains(&"  delegate  <eve, who may use it too from now on>".to_owned())
        );
    }

    #[test]
    fn a_long_name_leaves_room_for_the_question() {
        let mut received = received("https://a", "git");
        if let Some(requester) = &mut received.requester {
            requester.name = "b".repeat(200);
        }
        assert_eq!(received.asker(), format!("{}…", "b".repeat(NAME_WIDTH - 1)));
    }
}
