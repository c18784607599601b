//! Values of a rule's members.

use std::fmt::Display;
use std::ops::Range;
use std::str::FromStr;

use serde::Deserialize;
use toml::Spanned;

use super::Mistake;
use crate::cli::args::duration::parse_seconds;
use crate::cli::provide::command::{DEFAULT_LIMIT, ValueCommand};
use crate::cli::provide::oauth_patterns::Ports;
use crate::cli::provide::pattern::Pattern;
use crate::wire::Identity;

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a name, or a list of names")]
pub(super) enum Names {
    One(String),
    Several(Vec<String>),
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected seconds, or a time like \"90s\"")]
pub(super) enum Time {
    Seconds(u64),
    Text(String),
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a port, a list of ports, or \"*\" for any")]
pub(super) enum PortNumbers {
    One(u16),
    Several(Vec<u16>),
    Text(String),
}

pub(super) fn command(
    argv: &Spanned<Vec<String>>,
    limit: Option<&Spanned<Time>>,
) -> Result<ValueCommand, Mistake> {
    let Some((program, arguments)) = argv
        .get_ref()
        .split_first()
        .filter(|(program, _)| !program.is_empty())
    else {
        return Err(Mistake::of(
            argv,
            "`command` is a program and its arguments: [\"pass\", \"show\", \"db\"]",
        ));
    };
    let limit = limit.map_or(Ok(DEFAULT_LIMIT), |time| {
        let text = match time.get_ref() {
            Time::Seconds(seconds) => seconds.to_string(),
            Time::Text(text) => text.clone(),
        };
        parse_seconds(&text).map_err(|error| Mistake::of(time, error))
    })?;
    Ok(ValueCommand {
        program: program.clone(),
        arguments: arguments.to_vec(),
        limit,
    })
}

pub(super) fn pattern<T: FromStr<Err: Display>>(text: Option<Spanned<String>>) -> Result<Option<T>, Mistake> {
    text.map(|text| {
        text.get_ref()
            .parse()
            .map_err(|error: T::Err| Mistake::of(&text, error.to_string()))
    })
    .transpose()
}

pub(super) fn patterns<T: FromStr<Err: Display>>(names: Spanned<Names>) -> Result<Vec<T>, Mistake> {
    let (names, at) = list(names)?;
    parse_all(&names, at)
}

/// What a list has in it, and where it stands.
pub(super) fn list(names: Spanned<Names>) -> Result<(Vec<String>, Range<usize>), Mistake> {
    let at = names.span();
    let names = match names.into_inner() {
        Names::One(name) => vec![name],
        Names::Several(names) => names,
    };
    if names.is_empty() {
        return Err(Mistake::new(
            at,
            "an empty list matches nothing; leave it out to match everything",
        ));
    }
    Ok((names, at))
}

pub(super) fn names(names: Spanned<Names>) -> Result<Vec<String>, Mistake> {
    let (names, at) = list(names)?;
    if let Some(error) = names.iter().find_map(|name| Identity::new(name.as_str()).err()) {
        return Err(Mistake::new(at, format!("this is no name: {error}")));
    }
    Ok(names)
}

pub(super) fn ports(numbers: &Spanned<PortNumbers>) -> Result<Ports, Mistake> {
    match numbers.get_ref() {
        PortNumbers::One(port) => Ok(Ports::These(vec![*port])),
        PortNumbers::Several(ports) => Ok(Ports::These(ports.clone())),
        PortNumbers::Text(text) if text == "*" => Ok(Ports::Any),
        PortNumbers::Text(_) => Err(Mistake::of(numbers, "a port is a number, or \"*\" for any")),
    }
}

/// Patterns of scopes. None has a space or a comma, which stand between scopes.
pub(super) fn scopes(names: Spanned<Names>) -> Result<Vec<Pattern>, Mistake> {
    let (names, at) = list(names)?;
    if names.iter().any(|name| name.contains([' ', ',', '\t', '\n'])) {
        return Err(Mistake::new(
            at,
            "several scopes are a list: [\"repo\", \"read:org\"]",
        ));
    }
    parse_all(&names, at)
}

/// Patterns of paths.
pub(super) fn paths(names: Spanned<Names>) -> Result<Vec<Pattern>, Mistake> {
    let (names, at) = list(names)?;
    if names.iter().any(|name| !name.starts_with(['/', '*'])) {
        return Err(Mistake::new(at, "a path starts with `/`"));
    }
    parse_all(&names, at)
}

fn parse_all<T: FromStr<Err: Display>>(names: &[String], at: Range<usize>) -> Result<Vec<T>, Mistake> {
    let patterns = names.iter().map(|name| name.parse());
    patterns
        .collect::<Result<_, T::Err>>()
        .map_err(|error| Mistake::new(at, error.to_string()))
}
