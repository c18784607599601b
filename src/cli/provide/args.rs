//! The rules of `provide` that stand on the command line.

use std::path::{Path, PathBuf};

use clap::Args;

use super::pattern::UrlPattern;
use super::rules::{Action, Origin, Rule, Rules, Subject};
use super::rules_file;
use super::source::{Source, SourceError};
use crate::cli::context::Context;
use crate::cli::error::{CommandError, Kind};

/// What `--help` says of the rules file.
const RULES_FILE: &str = "\
Answer by the rules in a TOML file; the first that matches decides

A rule that gives, one that asks, and one for OAuth:
  [[rule]]
  url = \"https://db.example/**\"
  requester = [\"bob\", \"ci\"]
  give = \"file:db.txt\"

  [[rule]]
  requester = \"carol\"
  ask = true

  [[rule]]
  kind = \"oauth\"
  client_id = \"app\"
  host = \"*.idp.example\"
  scopes = [\"profile\", \"read:*\"]
  authorize = true

What a rule matches; what is left out matches everything:
  kind         \"secret\", the default, or \"oauth\"
  url, type    patterns, for secrets
  client_id    a pattern, for OAuth
  scopes       patterns; each OAuth scope must match one
  host         patterns; each OAuth endpoint's host must match one
  path, query  patterns for OAuth endpoints, like host
  port         numbers for OAuth endpoints, or \"*\" for any
  requester    names of those who ask
  delegate_to  names of those the answer may be delegated to

Without delegate_to, a rule that says yes matches only what goes to the requester alone. In a pattern * stands for any \
characters but /, and ** for any. In the host of a URL both stand for whole labels, as in https://*.example/**; a port \
that is not named is the default one, and :* is any. url = \"**\" is everything. \
requester, delegate_to, scopes, host, path, query and port are one value or a list of values.

A rule with authorize = true matches only requests without scopes, over https, on the default port, without a query and \
with PKCE, unless it has scopes, allow_http = true, port, query or allow_no_pkce = true.

What a rule does, one of:
  give = \"SOURCE\"     gives a SOURCE, as --secret does
  command = [\"PROGRAM\", \"ARGUMENT\"]
                      gives what the command writes to stdout
  authorize = true    says yes to an OAuth request
  ask = true          asks at the terminal
  reject = \"REASON\"   says no, and tells the other side why

give and command need url; authorize needs client_id and host. Paths start from the file's directory. A command reads \
the request as JSON on its stdin, and has 30 seconds or what timeout = \"10s\" says. strip_newline = true takes a newline \
from the end of what is given.";

/// Rules from flags and a file; those of flags come first.
#[derive(Debug, Args)]
#[command(next_help_heading = "Rules")]
pub(in crate::cli) struct RulesArgs {
    /// Give this secret to whoever asks for URL: SOURCE is `file:PATH` or a path, `id:ID` of a secret of
    /// yours, or `env:NAME`
    #[arg(long = "secret", value_name = "URL=SOURCE", value_parser = parse_given)]
    secrets: Vec<Given>,
    /// Answer by the rules in a TOML file; the first that matches decides
    #[arg(long, value_name = "FILE", long_help = RULES_FILE)]
    rules: Option<PathBuf>,
    /// Be asked about OAuth requests alone: a request for a secret that no rule matches is rejected
    #[arg(long)]
    oauth: bool,
}

/// `URL=SOURCE`, split at the last `=`.
#[derive(Debug, Clone)]
struct Given {
    url: String,
    source: String,
}

fn parse_given(text: &str) -> Result<Given, String> {
    match text.rsplit_once('=') {
        Some((url, source)) if !url.is_empty() => Ok(Given {
            url: url.to_owned(),
            source: source.to_owned(),
        }),
        _ => Err("give URL=SOURCE, like https://db.example=file:password.txt".to_owned()),
    }
}

impl RulesArgs {
    /// Reads and checks all rules.
    pub(super) fn read(&self, context: &Context) -> anyhow::Result<Rules> {
        let mut rules = Rules::default();
        for given in &self.secrets {
            let source =
                Source::parse(&given.source, Path::new(""), &context.environment).map_err(|error| {
                    let kind = if matches!(error, SourceError::NoFile(_)) {
                        Kind::Failed
                    } else {
                        Kind::Usage
                    };
                    CommandError::new(kind, format!("--secret for {}: {error}", given.url))
                        .hint("SOURCE is file:PATH, id:ID of a secret of yours, or env:NAME")
                })?;
            rules.extend([Rule {
                place: "--secret".to_owned(),
                subject: Subject::Secret {
                    url: Some(UrlPattern::exactly(&given.url)),
                    secret_type: None,
                },
                requesters: Vec::new(),
                delegates: None,
                action: Action::Give {
                    from: Origin::Source(source),
                    strip_newline: false,
                },
            }]);
        }
        if let Some(path) = &self.rules {
            rules.extend(rules_file::read(path, &context.environment)?);
        }
        Ok(rules)
    }

    /// Whether the person is asked about OAuth requests alone.
    pub(super) const fn oauth_only(&self) -> bool {
        self.oauth
    }

    /// A URL that is given, where there is just one: for the example that the other side is shown.
    pub(super) fn only_url(&self) -> Option<&str> {
        match self.secrets.as_slice() {
            [given] => Some(&given.url),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Environment;

    #[test]
    fn the_rules_in_the_help_are_rules() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("db.txt"), "x").unwrap();
        let (_, rest) = RULES_FILE.split_once("OAuth:\n").unwrap();
        let (example, _) = rest.split_once("\n\nWhat").unwrap();
        let rules = rules_file::parse(example, directory.path(), &Environment::default()).unwrap();
        assert_eq!(rules.len(), 3);
    }
}
