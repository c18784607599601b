//! Rules that answer without a person. The first that matches decides.

use super::command::ValueCommand;
use super::mismatch::Mismatch;
use super::oauth_patterns::OAuthPatterns;
use super::pattern::{Pattern, UrlPattern};
use super::request::{ReceivedRequest, RequestKind};
use super::source::Source;
use crate::wire::SecretId;

/// The rules, in their order.
#[derive(Debug, Default)]
pub(super) struct Rules(Vec<Rule>);

/// What is done with the requests that match.
#[derive(Debug)]
pub(super) struct Rule {
    /// Where it was given, as it is shown: `rule 2`, `--secret`.
    pub(super) place: String,
    pub(super) subject: Subject,
    /// Names of requesters; empty for all, an unknown requester too.
    pub(super) requesters: Vec<String>,
    /// Names of identities that may read the stored answer. Without it, a rule that provides something matches requests
    /// for the requester alone, and a rule that rejects matches all.
    pub(super) delegates: Option<Vec<String>>,
    pub(super) action: Action,
}

/// What a rule matches. A missing pattern matches everything.
#[derive(Debug)]
pub(super) enum Subject {
    Secret {
        url: Option<UrlPattern>,
        secret_type: Option<Pattern>,
    },
    OAuth(OAuthPatterns),
}

/// What a rule does.
#[derive(Debug)]
pub(super) enum Action {
    Give {
        from: Origin,
        strip_newline: bool,
    },
    /// Says yes to an OAuth authorization.
    Authorize,
    Ask,
    Reject(String),
}

/// Where the value comes from that a rule gives.
#[derive(Debug)]
pub(super) enum Origin {
    Source(Source),
    Command(ValueCommand),
}

impl Rules {
    /// Adds rules that come after those that are there.
    pub(super) fn extend(&mut self, rules: impl IntoIterator<Item = Rule>) {
        self.0.extend(rules);
    }

    /// Ids of stored secrets that are given, each with the place of the rule that gives it.
    pub(super) fn ids(&self) -> impl Iterator<Item = (&str, &SecretId)> {
        self.0.iter().filter_map(|rule| match &rule.action {
            Action::Give {
                from: Origin::Source(Source::Id(id)),
                ..
            } => Some((rule.place.as_str(), id)),
            _ => None,
        })
    }

    /// The first rule that matches. The log says why those before it do not.
    pub(super) fn find(&self, received: &ReceivedRequest) -> Option<&Rule> {
        self.0.iter().find(|rule| match rule.check(received) {
            Ok(()) => true,
            Err(Mismatch::Kind) => false,
            Err(why) => {
                tracing::info!("{} does not match: {why}", rule.place);
                false
            }
        })
    }
}

impl Rule {
    /// Whether the request matches, or why it does not.
    fn check(&self, received: &ReceivedRequest) -> Result<(), Mismatch> {
        self.subject.check(&received.kind)?;
        if !self.is_asked_by(received) {
            return Err(Mismatch::Requester);
        }
        if !self.allows_delegate(received) {
            return Err(Mismatch::Delegate);
        }
        Ok(())
    }

    fn is_asked_by(&self, received: &ReceivedRequest) -> bool {
        self.requesters.is_empty()
            || received
                .requester
                .as_ref()
                .is_some_and(|requester| self.requesters.contains(&requester.name))
    }

    fn allows_delegate(&self, received: &ReceivedRequest) -> bool {
        match (&self.delegates, &self.action) {
            (Some(names), _) => received
                .delegate_to
                .as_ref()
                .is_some_and(|delegate| names.contains(delegate)),
            (None, Action::Give { .. } | Action::Authorize) => received.is_for_requester_alone(),
            (None, Action::Ask | Action::Reject(_)) => true,
        }
    }
}

impl Subject {
    fn check(&self, what: &RequestKind) -> Result<(), Mismatch> {
        match (self, what) {
            (
                Self::Secret { url, secret_type },
                RequestKind::Secret {
                    url: received,
                    secret_type: kind,
                },
            ) => {
                if let Some(pattern) = url
                    && !pattern.matches(received)?
                {
                    return Err(Mismatch::Url);
                }
                match secret_type {
                    Some(pattern) if !pattern.matches(kind) => Err(Mismatch::Type),
                    _ => Ok(()),
                }
            }
            (Self::OAuth(patterns), RequestKind::OAuth(received)) => patterns.check(received),
            _ => Err(Mismatch::Kind),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::cli::provide::oauth_request::tests::oauth as client_asked;
    use crate::cli::provide::request::RequestKind;
    use crate::cli::provide::request::tests::received;
    use crate::cli::provide::rules_file::parse;
    use crate::settings::Environment;

    fn rules(text: &str) -> Rules {
        let environment = Environment::from_pairs([("SET", "x")]);
        let mut rules = Rules::default();
        rules.extend(parse(text, Path::new("."), &environment).unwrap());
        rules
    }

    fn found<'a>(rules: &'a Rules, received: &ReceivedRequest) -> Option<&'a str> {
        rules.find(received).map(|rule| rule.place.as_str())
    }

    #[test]
    fn the_first_that_matches_decides() {
        let rules = rules(
            r#"
            [[rule]]
            url = "https://a.example/**"
            type = "git"
            requester = ["carol", "bob"]
            give = "env:SET"
            [[rule]]
            url = "https://a.example/**"
            ask = true
            [[rule]]
            kind = "oauth"
            reject = "not here"
            [[rule]]
            requester = "eve"
            reject = "no"
            "#,
        );
        let mut git = received("https://a.example/x", "git");
        assert_eq!(found(&rules, &git), Some("rule 1"));
        assert_eq!(
            found(&rules, &received("https://a.example/x", "text")),
            Some("rule 2")
        );
        assert_eq!(found(&rules, &received("https://b.example/x", "git")), None);
        git.requester = None;
        assert_eq!(found(&rules, &git), Some("rule 2"));
    }

    #[test]
    fn nothing_is_handed_to_a_delegate_that_is_not_named() {
        let rules = rules(
            r#"
            [[rule]]
            url = "**"
            give = "env:SET"
            [[rule]]
            url = "**"
            delegate_to = "carol"
            give = "env:SET"
            [[rule]]
            reject = "no"
            "#,
        );
        let mut received = received("u", "");
        for (delegate, place) in [
            (None, "rule 1"),
            (Some("bob"), "rule 1"),
            (Some("carol"), "rule 2"),
            (Some("eve"), "rule 3"),
        ] {
            received.delegate_to = delegate.map(str::to_owned);
            assert_eq!(found(&rules, &received), Some(place), "{delegate:?}");
        }
    }

    #[test]
    fn both_hosts_of_a_provider_must_be_allowed() {
        let rules = rules(
            r#"
            [[rule]]
            kind = "oauth"
            client_id = "app-*"
            host = ["*.idp.example", "tokens.example"]
            authorize = true
            "#,
        );
        let oauth = |client_id: &str, authorization: &str, token: &str| {
            let mut received = received("", "");
            let mut client = client_asked(client_id, authorization, token);
            client.challenge = Some("challenge".to_owned());
            received.kind = RequestKind::OAuth(client);
            found(&rules, &received).is_some()
        };
        let good = "https://login.idp.example/authorize";
        assert!(oauth("app-1", good, "https://token.idp.example/"));
        assert!(oauth("app-1", good, "https://tokens.example/"));
        for (client_id, authorization, token) in [
            ("other", good, good),
            ("app-1", "https://login.idp.example.evil.test/", good),
            ("app-1", good, "https://evil.test/?.idp.example"),
            ("app-1", good, "https://a.idp.example@evil.test/"),
            ("app-1", "javascript:alert(1)", good),
        ] {
            assert!(
                !oauth(client_id, authorization, token),
                "{client_id} {authorization} {token}"
            );
        }
    }
}
