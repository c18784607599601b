//! Patterns for the URL of a request.

use std::str::FromStr;

use super::host::{HostPattern, HostPatternError};
use super::requested_url::{
    AmbiguousUrl, RequestedUrl, UrlParts, check_characters, has_dot_segment, is_scheme_character,
    split_authority, split_scheme,
};
use super::text::{EmptyPattern, Pattern};

/// URLs, or plain names, that fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli::provide) enum UrlPattern {
    /// `**`: every URL that all parsers read alike, and every plain name.
    Everything,
    /// This text, or the same URL written in another way.
    Exactly(String),
    /// Plain names; never a URL.
    Names(Pattern),
    /// URLs whose parts fit.
    Urls(Box<UrlPartPatterns>),
}

/// A pattern for each part of a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli::provide) struct UrlPartPatterns {
    scheme: Pattern,
    /// None: URLs without a host, such as `file:///x`.
    host: Option<HostPattern>,
    port: PortPattern,
    path: Pattern,
    query: Option<Pattern>,
    fragment: Option<Pattern>,
    /// The pattern ends in `*`, which takes in a query and a fragment that it does not name.
    is_open: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PortPattern {
    /// The scheme's default.
    Default,
    Number(u16),
    Any,
}

/// Why a text is no pattern for URLs, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::cli::provide) enum UrlPatternError {
    #[error(transparent)]
    Empty(#[from] EmptyPattern),
    #[error(
        "`**` before the first `/` would run across scheme and host: write `https://HOST/**`, or `**` alone for \
         everything"
    )]
    AcrossHost,
    #[error(transparent)]
    Host(#[from] HostPatternError),
    #[error("a port is a number up to 65535, or `*` for any")]
    Port,
    #[error("a path in a pattern has no `.` and `..` segments: write the path that they lead to")]
    DotSegment,
    #[error("no request matches this: {0}")]
    Ambiguous(#[from] AmbiguousUrl),
}

impl UrlPattern {
    /// What matches this text alone, and the same URL written in another way.
    pub(in crate::cli::provide) fn exactly(text: &str) -> Self {
        Self::Exactly(text.to_owned())
    }

    /// Whether the URL of a request fits.
    ///
    /// # Errors
    /// [`AmbiguousUrl`] for a URL that nothing matches but its exact text.
    pub(in crate::cli::provide) fn matches(&self, asked: &str) -> Result<bool, AmbiguousUrl> {
        if matches!(self, Self::Exactly(text) if text == asked) {
            return Ok(true);
        }
        let requested = RequestedUrl::parse(asked)?;
        Ok(match (self, requested) {
            (Self::Everything, _) => true,
            (Self::Exactly(text), RequestedUrl::Url(asked)) => {
                RequestedUrl::parse(text) == Ok(RequestedUrl::Url(asked))
            }
            (Self::Names(pattern), RequestedUrl::Name) => pattern.matches(asked),
            (Self::Urls(patterns), RequestedUrl::Url(asked)) => patterns.match_parts(&asked),
            _ => false,
        })
    }
}

impl UrlPartPatterns {
    fn match_parts(&self, asked: &UrlParts) -> bool {
        let fits = |pattern: &Option<Pattern>, text: &Option<String>| match (pattern, text) {
            (Some(pattern), text) => pattern.matches(text.as_deref().unwrap_or_default()),
            (None, Some(_)) => self.is_open,
            (None, None) => true,
        };
        let host_fits = match &self.host {
            Some(host) => host.matches(&asked.host),
            None => asked.host.is_empty(),
        };
        let port_fits = match self.port {
            PortPattern::Default => asked.has_default_port,
            PortPattern::Number(port) => asked.port == Some(port),
            PortPattern::Any => true,
        };
        self.scheme.matches(&asked.scheme)
            && host_fits
            && port_fits
            && self.path.matches(&asked.path)
            && fits(&self.query, &asked.query)
            && fits(&self.fragment, &asked.fragment)
    }

    /// Reads the pattern that has this scheme, and this after `://`.
    fn parse(scheme: &str, rest: &str) -> Result<Self, UrlPatternError> {
        let (authority, tail) = split_authority(rest);
        check_characters(rest, authority)?;
        // Everything of a scheme.
        let (authority, tail) = if rest.len() > 1 && rest.bytes().all(|byte| byte == b'*') {
            ("*:*", "/**")
        } else {
            (authority, tail)
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port.parse()?),
            _ => (authority, PortPattern::Default),
        };
        let (path, _) = tail.split_once(['?', '#']).unwrap_or((tail, ""));
        if has_dot_segment(path) {
            return Err(UrlPatternError::DotSegment);
        }
        // The rest is read as that of a request, so that both are normalized alike. `*` is an ordinary character there.
        let plain_scheme = if scheme.contains('*') { "https" } else { scheme };
        let plain_host = if host.is_empty() { "" } else { "h" };
        let RequestedUrl::Url(parts) = RequestedUrl::parse(&format!("{plain_scheme}://{plain_host}{tail}"))?
        else {
            return Err(AmbiguousUrl::NotAUrl.into());
        };
        let optional = |text: Option<String>| text.map(|text| text_pattern(&text));
        Ok(Self {
            scheme: scheme.to_ascii_lowercase().parse()?,
            host: (!host.is_empty()).then(|| host.parse()).transpose()?,
            port,
            path: text_pattern(&parts.path),
            query: optional(parts.query),
            fragment: optional(parts.fragment),
            is_open: tail.ends_with('*'),
        })
    }
}

/// A pattern of a part of a URL, which may be empty: then it matches nothing else.
fn text_pattern(text: &str) -> Pattern {
    text.parse().unwrap_or_else(|EmptyPattern| Pattern::exactly(""))
}

impl FromStr for PortPattern {
    type Err = UrlPatternError;

    fn from_str(text: &str) -> Result<Self, UrlPatternError> {
        match text {
            "*" => Ok(Self::Any),
            number if number.bytes().all(|byte| byte.is_ascii_digit()) => number
                .parse()
                .map(Self::Number)
                .map_err(|_| UrlPatternError::Port),
            _ => Err(UrlPatternError::Port),
        }
    }
}

impl FromStr for UrlPattern {
    type Err = UrlPatternError;

    fn from_str(text: &str) -> Result<Self, UrlPatternError> {
        if text.len() > 1 && text.bytes().all(|byte| byte == b'*') {
            return Ok(Self::Everything);
        }
        let is_scheme_pattern = |character| character == '*' || is_scheme_character(character);
        if let Some((scheme, rest)) = split_scheme(text, is_scheme_pattern) {
            return UrlPartPatterns::parse(scheme, rest).map(Box::new).map(Self::Urls);
        }
        let pattern = text.parse()?;
        let (start, _) = text.split_once('/').unwrap_or((text, ""));
        if start.contains("**") {
            return Err(UrlPatternError::AcrossHost);
        }
        RequestedUrl::parse(text)?;
        Ok(Self::Names(pattern))
    }
}

#[cfg(test)]
#[path = "url_tests.rs"]
mod tests;
