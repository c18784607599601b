//! One `[[rule]]` of a rules file, and the rule that it is.

use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::Mistake;
use super::values::{Names, PortNumbers, Time, command, names, paths, pattern, patterns, ports, scopes};
use crate::cli::provide::oauth_patterns::OAuthPatterns;
use crate::cli::provide::rules::{Action, Origin, Rule, Subject};
use crate::cli::provide::source::Source;
use crate::settings::Environment;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    #[serde(default)]
    kind: RuleKind,
    url: Option<Spanned<String>>,
    r#type: Option<Spanned<String>>,
    client_id: Option<Spanned<String>>,
    host: Option<Spanned<Names>>,
    path: Option<Spanned<Names>>,
    query: Option<Spanned<Names>>,
    port: Option<Spanned<PortNumbers>>,
    scopes: Option<Spanned<Names>>,
    allow_http: Option<Spanned<bool>>,
    allow_no_pkce: Option<Spanned<bool>>,
    requester: Option<Spanned<Names>>,
    delegate_to: Option<Spanned<Names>>,
    give: Option<Spanned<String>>,
    command: Option<Spanned<Vec<String>>>,
    timeout: Option<Spanned<Time>>,
    strip_newline: Option<Spanned<bool>>,
    authorize: Option<Spanned<bool>>,
    ask: Option<Spanned<bool>>,
    reject: Option<Spanned<String>>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RuleKind {
    #[default]
    Secret,
    OAuth,
}

impl Entry {
    /// The rule, which is the `number`th and stands at `at`.
    pub(super) fn into_rule(
        self,
        at: Range<usize>,
        number: usize,
        directory: &Path,
        environment: &Environment,
    ) -> Result<Rule, Mistake> {
        self.refuse_strangers()?;
        let action = self.action(&at, directory, environment)?;
        let gives = matches!(action, Action::Give { .. } | Action::Authorize);
        let (needed, named) = match self.kind {
            RuleKind::Secret => ("`url`", self.url.is_some()),
            RuleKind::OAuth => (
                "`client_id` and `host`",
                self.client_id.is_some() && self.host.is_some(),
            ),
        };
        if gives && !named {
            return Err(Mistake::new(at, format!("a rule that says yes needs {needed}")));
        }
        let subject = match self.kind {
            RuleKind::Secret => Subject::Secret {
                url: pattern(self.url)?,
                secret_type: pattern(self.r#type)?,
            },
            RuleKind::OAuth => Subject::OAuth(OAuthPatterns {
                client_id: pattern(self.client_id)?,
                hosts: self.host.map(patterns).transpose()?.unwrap_or_default(),
                paths: self.path.map(paths).transpose()?.unwrap_or_default(),
                queries: self.query.map(patterns).transpose()?,
                ports: self.port.as_ref().map(ports).transpose()?,
                scopes: self.scopes.map(scopes).transpose()?,
                is_strict: gives,
                allow_http: self.allow_http.is_some_and(Spanned::into_inner),
                allow_no_pkce: self.allow_no_pkce.is_some_and(Spanned::into_inner),
            }),
        };
        Ok(Rule {
            place: format!("rule {number}"),
            subject,
            requesters: self.requester.map(names).transpose()?.unwrap_or_default(),
            delegates: self.delegate_to.map(names).transpose()?,
            action,
        })
    }

    /// Members that say nothing in a rule of this kind would be overlooked otherwise.
    fn refuse_strangers(&self) -> Result<(), Mistake> {
        fn span<T>(member: Option<&Spanned<T>>) -> Option<Range<usize>> {
            member.map(Spanned::span)
        }
        let (members, other): (Vec<(&str, _)>, _) = match self.kind {
            RuleKind::Secret => (
                vec![
                    ("client_id", span(self.client_id.as_ref())),
                    ("host", span(self.host.as_ref())),
                    ("path", span(self.path.as_ref())),
                    ("query", span(self.query.as_ref())),
                    ("port", span(self.port.as_ref())),
                    ("scopes", span(self.scopes.as_ref())),
                    ("allow_http", span(self.allow_http.as_ref())),
                    ("allow_no_pkce", span(self.allow_no_pkce.as_ref())),
                    ("authorize", span(self.authorize.as_ref())),
                ],
                "oauth",
            ),
            RuleKind::OAuth => (
                vec![
                    ("url", span(self.url.as_ref())),
                    ("type", span(self.r#type.as_ref())),
                    ("give", span(self.give.as_ref())),
                    ("command", span(self.command.as_ref())),
                ],
                "secret",
            ),
        };
        for (name, at) in members {
            if let Some(at) = at {
                let what = format!("`{name}` belongs to rules with kind = \"{other}\"");
                return Err(Mistake::new(at, what));
            }
        }
        let timeout = span(self.timeout.as_ref()).filter(|_| self.command.is_none());
        if let Some(at) = timeout {
            return Err(Mistake::new(at, "`timeout` is the time of a `command`"));
        }
        let exceptions = [span(self.allow_http.as_ref()), span(self.allow_no_pkce.as_ref())];
        if let Some(at) = exceptions.into_iter().flatten().next()
            && self.authorize.is_none()
        {
            let what =
                "`allow_http` and `allow_no_pkce` are for rules with `authorize`; others match both anyway";
            return Err(Mistake::new(at, what));
        }
        let newline =
            span(self.strip_newline.as_ref()).filter(|_| self.command.is_none() && self.give.is_none());
        if let Some(at) = newline {
            return Err(Mistake::new(at, "`strip_newline` is for `give` and `command`"));
        }
        Ok(())
    }

    /// The one thing that the rule does.
    fn action(
        &self,
        at: &Range<usize>,
        directory: &Path,
        environment: &Environment,
    ) -> Result<Action, Mistake> {
        let strip_newline = self.strip_newline.as_ref().is_some_and(|on| *on.get_ref());
        let mut actions = Vec::new();
        if let Some(text) = &self.give {
            let source = Source::parse(text.get_ref(), directory, environment)
                .map_err(|error| Mistake::of(text, error.to_string()))?;
            actions.push(Action::Give {
                from: Origin::Source(source),
                strip_newline,
            });
        }
        if let Some(argv) = &self.command {
            let command = command(argv, self.timeout.as_ref())?;
            actions.push(Action::Give {
                from: Origin::Command(command),
                strip_newline,
            });
        }
        for (switch, action) in [(&self.authorize, Action::Authorize), (&self.ask, Action::Ask)] {
            match switch {
                Some(on) if *on.get_ref() => actions.push(action),
                Some(off) => {
                    return Err(Mistake::of(
                        off,
                        "only `true` makes sense here; leave it out instead",
                    ));
                }
                None => {}
            }
        }
        if let Some(reason) = &self.reject {
            actions.push(Action::Reject(reason.get_ref().clone()));
        }
        match (actions.pop(), actions.is_empty()) {
            (Some(action), true) => Ok(action),
            (None, _) if self.kind == RuleKind::OAuth => Err(Mistake::new(
                at.clone(),
                "a rule needs one of `authorize`, `ask`, `reject`",
            )),
            (None, _) => Err(Mistake::new(
                at.clone(),
                "a rule needs one of `give`, `command`, `ask`, `reject`",
            )),
            (Some(_), false) => Err(Mistake::new(
                at.clone(),
                "a rule does one thing, and this one names several",
            )),
        }
    }
}
