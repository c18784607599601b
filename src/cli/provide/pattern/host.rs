//! Patterns for the host of a URL.

use std::str::FromStr;

use url::Url;

use super::text::{EmptyPattern, Pattern};

/// Hosts whose labels fit. A `*` or `**` for a whole label stands for one or more labels; a `*` in or at the end of a
/// label stands for any part of that label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli::provide) struct HostPattern(
    /// The labels with `/` between them, which a host never has: there `*` stays in its label and `**` crosses labels.
    Pattern,
);

/// Why a text is no pattern for hosts, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::cli::provide) enum HostPatternError {
    #[error("`{0}` is not a host: write a name or an address without scheme, port and path")]
    NotAHost(String),
    #[error("`{0}` would match other people's names that end alike: write `*.` before the name")]
    StarBeforeName(String),
    #[error("`{0}` leaves the end of the name open, where anybody can register a name: write it out")]
    OpenEnd(String),
    #[error("`{0}`: a `*` cannot stand in a label with letters that are not ASCII")]
    StarInUnicode(String),
}

impl HostPattern {
    /// Whether this host fits. It is in lower case and in ASCII, as a URL parser gives it.
    pub(in crate::cli::provide) fn matches(&self, host: &str) -> bool {
        !host.split('.').any(str::is_empty) && self.0.matches(&host.replace('.', "/"))
    }
}

impl FromStr for HostPattern {
    type Err = HostPatternError;

    fn from_str(text: &str) -> Result<Self, HostPatternError> {
        let not_a_host = || HostPatternError::NotAHost(text.to_owned());
        let labels: Vec<&str> = text.split('.').collect();
        if labels.len() > 1 && labels.last().is_some_and(|last| last.contains('*')) {
            return Err(HostPatternError::OpenEnd(text.to_owned()));
        }
        for label in &labels {
            let stars = label.trim_start_matches('*');
            if !stars.is_empty() && label.starts_with('*') {
                return Err(HostPatternError::StarBeforeName((*label).to_owned()));
            }
            if label.contains('*') && !label.is_ascii() {
                return Err(HostPatternError::StarInUnicode((*label).to_owned()));
            }
        }
        let is_address = text.starts_with('[');
        if text.contains(['/', '?', '#', '@', '\\', '%'])
            || (text.contains(':') && !is_address)
            || text.contains(|character: char| character.is_whitespace() || character.is_control())
        {
            return Err(not_a_host());
        }
        // As a URL parser reads the host of a request: in lower case, names in ASCII, addresses in one form.
        let url = Url::parse(&format!("https://{text}/")).map_err(|_| not_a_host())?;
        let host = url.host_str().filter(|_| url.port().is_none());
        let labels: Vec<&str> = host.ok_or_else(not_a_host)?.split('.').collect();
        if labels.iter().any(|label| label.is_empty()) {
            return Err(not_a_host());
        }
        let labels: Vec<String> = labels.into_iter().map(label_pattern).collect();
        let pattern = labels.join("/").parse();
        pattern.map(Self).map_err(|EmptyPattern| not_a_host())
    }
}

/// A label as a part of the text pattern: stars alone cross labels, others stay.
fn label_pattern(label: &str) -> String {
    if label.bytes().all(|byte| byte == b'*') {
        return "**".to_owned();
    }
    let mut pattern = String::with_capacity(label.len());
    for character in label.chars() {
        if character != '*' || !pattern.ends_with('*') {
            pattern.push(character);
        }
    }
    pattern
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, host: &str) -> bool {
        pattern.parse::<HostPattern>().unwrap().matches(host)
    }

    #[test]
    fn a_star_stands_for_whole_labels() {
        for (pattern, host) in [
            ("a.example", "a.example"),
            ("A.Example", "a.example"),
            ("*.example", "a.example"),
            ("*.example", "a.b.example"),
            ("**.example", "a.b.example"),
            ("a.*.example", "a.b.c.example"),
            ("*", "a.example"),
            ("**", "127.0.0.1"),
            ("*", "[::1]"),
            ("[0:0::1]", "[::1]"),
            ("127.1", "127.0.0.1"),
            ("api-*.example", "api-7.example"),
            ("a**b.example", "axb.example"),
            ("*.b\u{fc}cher.example", "x.xn--bcher-kva.example"),
        ] {
            assert!(matches(pattern, host), "{pattern} {host}");
        }
        for (pattern, host) in [
            ("*.example", "example"),
            ("*.example", ".example"),
            ("*.example", "evilexample"),
            ("*.example", "a.example.evil.test"),
            ("*.example", "a.example."),
            ("a.*.example", "a.example"),
            ("api-*.example", "api-7.evil.example"),
            ("a**b.example", "ax.xb.example"),
            ("*.example", "[::1]"),
        ] {
            assert!(!matches(pattern, host), "{pattern} {host}");
        }
    }

    #[test]
    fn what_is_no_host_or_too_much_is_refused() {
        let refused = |text: &str| text.parse::<HostPattern>().unwrap_err();
        for text in [
            "",
            ".",
            "a..b",
            "a.example.",
            "https://a",
            "a:1",
            "a/b",
            "a?b",
            "u@a",
            "a b",
            "a\\b",
            "[::1]:1",
            "[*]",
            "*.1",
            "%61",
        ] {
            assert!(matches!(refused(text), HostPatternError::NotAHost(_)), "{text}");
        }
        for text in ["*db.example", "a.*b.example"] {
            assert!(
                matches!(refused(text), HostPatternError::StarBeforeName(_)),
                "{text}"
            );
        }
        for text in ["db.*", "db.**", "127.0.0.*", "a.ex*"] {
            assert!(matches!(refused(text), HostPatternError::OpenEnd(_)), "{text}");
        }
        assert!(matches!(
            refused("b\u{fc}*.example"),
            HostPatternError::StarInUnicode(_)
        ));
    }

    proptest! {
        #[test]
        fn what_fits_under_a_name_ends_in_that_name(host in "[a-c.]{1,12}", name in "[a-c]{1,3}(\\.[a-c]{1,3}){0,2}") {
            let ends_in_name = host
                .strip_suffix(&format!(".{name}"))
                .is_some_and(|start| start.split('.').all(|label| !label.is_empty()));
            prop_assert_eq!(matches(&format!("*.{name}"), &host), ends_in_name);
            prop_assert_eq!(matches(&name, &host), name == host);
        }
    }
}
