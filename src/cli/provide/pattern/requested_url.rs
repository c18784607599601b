//! The URL of a request, in the parts that patterns compare.
//!
//! The URL is the text of another participant. What two parsers could read in two ways, such as a user name in front of
//! the host, is refused: the person who wrote a rule cannot have meant it.

use std::fmt::Write as _;

use url::Url;

/// The parts of a URL, normalized: scheme and host in lower case, `.` and `..` resolved, percent-encoding of
/// unreserved characters undone (RFC 3986, section 6.2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UrlParts {
    pub(super) scheme: String,
    /// Empty where the scheme has URLs without a host, such as `file:///x`.
    pub(super) host: String,
    /// The port; none where the URL names none and the scheme has no default.
    pub(super) port: Option<u16>,
    /// The port is the scheme's default, or is not named.
    pub(super) has_default_port: bool,
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) fragment: Option<String>,
}

/// What a request names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RequestedUrl {
    Url(UrlParts),
    /// Text that is not a URL with `scheme://`, such as `db-password`: the participants' own convention.
    Name,
}

/// Why a text is neither a URL that all parsers read alike nor a plain name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::cli::provide) enum AmbiguousUrl {
    #[error("`//` and a host must follow the scheme of a URL")]
    NoAuthority,
    #[error("the URL has a space, a control character or a backslash in it")]
    Character,
    #[error("the URL has a user name or password in front of its host")]
    UserInfo,
    #[error("the URL has a percent sign in its host")]
    EncodedHost,
    #[error("the URL has no host that can be read")]
    NotAUrl,
    #[error("the URL's path has an encoded `.` or `..` segment")]
    DotSegment,
}

/// The scheme's text and what follows `://`, where that is how the text starts. `is_scheme` says which characters a
/// scheme may have.
pub(super) fn split_scheme(text: &str, is_scheme: fn(char) -> bool) -> Option<(&str, &str)> {
    text.split_once("://")
        .filter(|(scheme, _)| !scheme.is_empty() && scheme.chars().all(is_scheme))
}

/// Characters of a scheme (RFC 3986, section 3.1).
pub(super) const fn is_scheme_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '+' | '-' | '.')
}

/// The authority and the rest, of what follows `://`.
pub(super) fn split_authority(text: &str) -> (&str, &str) {
    let end = text.find(['/', '?', '#']).unwrap_or(text.len());
    text.split_at(end)
}

/// What no part of a URL may have, and what its authority may not have.
pub(super) fn check_characters(text: &str, authority: &str) -> Result<(), AmbiguousUrl> {
    if text
        .chars()
        .any(|character| character.is_whitespace() || character.is_control() || character == '\\')
    {
        return Err(AmbiguousUrl::Character);
    }
    if authority.contains('@') {
        return Err(AmbiguousUrl::UserInfo);
    }
    if authority.contains('%') {
        return Err(AmbiguousUrl::EncodedHost);
    }
    Ok(())
}

impl RequestedUrl {
    pub(super) fn parse(text: &str) -> Result<Self, AmbiguousUrl> {
        let Some((_, rest)) = split_scheme(text, is_scheme_character) else {
            // A URL parser reads `https:h`, and drops spaces around a URL and tabs in it.
            let is_url = Url::parse(text).is_ok_and(|url| url.is_special() || url.has_authority());
            return if is_url {
                Err(AmbiguousUrl::NoAuthority)
            } else {
                Ok(Self::Name)
            };
        };
        let (authority, _) = split_authority(rest);
        check_characters(text, authority)?;
        let url = Url::parse(text).map_err(|_| AmbiguousUrl::NotAUrl)?;
        // A URL parser reads the host out of the path in `https:///h`.
        if authority.is_empty() && url.host_str().is_some_and(|host| !host.is_empty()) {
            return Err(AmbiguousUrl::NoAuthority);
        }
        let path = normalize_encoding(url.path());
        if has_dot_segment(&path) {
            return Err(AmbiguousUrl::DotSegment);
        }
        Ok(Self::Url(UrlParts {
            scheme: url.scheme().to_owned(),
            host: url.host_str().unwrap_or_default().to_lowercase(),
            port: url.port_or_known_default(),
            has_default_port: url.port().is_none(),
            path,
            query: url.query().map(normalize_encoding),
            fragment: url.fragment().map(normalize_encoding),
        }))
    }
}

/// Undoes the percent-encoding of unreserved characters and writes the rest of it in upper case (RFC 3986, sections
/// 6.2.2.1 and 6.2.2.2).
fn normalize_encoding(text: &str) -> String {
    let mut normalized = String::with_capacity(text.len());
    let mut pieces = text.split('%');
    normalized.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let encoded = piece
            .get(..2)
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let (Some(byte), Some(rest)) = (encoded, piece.get(2..)) else {
            // A percent sign that encodes nothing.
            normalized.push_str("%25");
            normalized.push_str(piece);
            continue;
        };
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            normalized.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(normalized, "%{byte:02X}");
        }
        normalized.push_str(rest);
    }
    normalized
}

/// Whether a server that decodes slashes would find a `.` or `..` segment. Those without encoded slashes were resolved.
pub(super) fn has_dot_segment(path: &str) -> bool {
    let decoded = normalize_encoding(path).replace("%2F", "/").replace("%5C", "/");
    decoded.split('/').any(|segment| matches!(segment, "." | ".."))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(text: &str) -> UrlParts {
        match RequestedUrl::parse(text) {
            Ok(RequestedUrl::Url(parts)) => parts,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn one_url_written_in_two_ways_is_the_same_url() {
        for (text, other) in [
            ("HTTPS://A.Example:443", "https://a.example/"),
            ("https://a.example/x/../y", "https://a.example/y"),
            ("https://a.example/x/%2e%2E/%7ey", "https://a.example/~y"),
            (
                "https://a.example/%c3%bc?q=%c3%bc",
                "https://a.example/%C3%BC?q=%C3%BC",
            ),
            ("https://a.example/\u{fc}", "https://a.example/%C3%BC"),
            ("https://b\u{fc}cher.example/", "https://xn--bcher-kva.example/"),
            ("https://0x7f.1/", "https://127.0.0.1/"),
            ("postgres://DB.example/x", "postgres://db.example/x"),
        ] {
            assert_eq!(parts(text), parts(other), "{text} {other}");
        }
        assert_ne!(parts("https://a.example:8443/"), parts("https://a.example/"));
        assert_ne!(parts("https://a.example/%2F"), parts("https://a.example//"));
    }

    #[test]
    fn what_two_parsers_read_in_two_ways_is_refused() {
        for (text, why) in [
            ("https:evil.test/x", AmbiguousUrl::NoAuthority),
            ("https:/evil.test/x", AmbiguousUrl::NoAuthority),
            ("https:///evil.test/x", AmbiguousUrl::NoAuthority),
            (" https://evil.test/", AmbiguousUrl::NoAuthority),
            ("ht\ttps://evil.test/", AmbiguousUrl::NoAuthority),
            (" pg://evil.test/", AmbiguousUrl::NoAuthority),
            ("https://evil.test\\.example/x", AmbiguousUrl::Character),
            ("https://a.example/ x", AmbiguousUrl::Character),
            ("https://a.\texample/", AmbiguousUrl::Character),
            ("https://u:p@evil.test/.example/x", AmbiguousUrl::UserInfo),
            ("https://a.example@evil.test/", AmbiguousUrl::UserInfo),
            ("https://@a.example/", AmbiguousUrl::UserInfo),
            ("pg://u@a.example/", AmbiguousUrl::UserInfo),
            ("https://%65vil.test/", AmbiguousUrl::EncodedHost),
            ("https://", AmbiguousUrl::NotAUrl),
            ("https://a.example:99999/", AmbiguousUrl::NotAUrl),
            ("https://evil.test\u{ff0f}.example/", AmbiguousUrl::NotAUrl),
            ("https://a.example/x/..%2fy", AmbiguousUrl::DotSegment),
            ("https://a.example/x/%2e%2E%5cy", AmbiguousUrl::DotSegment),
        ] {
            assert_eq!(RequestedUrl::parse(text), Err(why), "{text}");
        }
    }

    #[test]
    fn names_are_not_urls() {
        for text in [
            "",
            "db",
            "team/db",
            "db:main",
            "mailto:a@b",
            "a.example:443/x",
            "/x",
            "a b",
        ] {
            assert_eq!(RequestedUrl::parse(text), Ok(RequestedUrl::Name), "{text}");
        }
        assert_eq!(parts("file:///etc/x").host, "");
    }

    proptest! {
        /// Whatever is read as a URL has the host that a URL parser finds, and no user name.
        #[test]
        fn the_host_is_the_one_that_a_client_would_call(text in "(https?|pg):?/{0,3}[a-c.@:?#\\\\%/ 0-9*]{0,16}") {
            if let Ok(RequestedUrl::Url(parts)) = RequestedUrl::parse(&text) {
                let url = Url::parse(&text).unwrap();
                prop_assert_eq!(url.host_str().unwrap_or_default(), parts.host);
                prop_assert!(url.username().is_empty() && url.password().is_none());
                // The host's text is where every reader of URLs looks for it.
                let (authority, _) = split_authority(text.split_once("://").unwrap().1);
                prop_assert!(!authority.contains(['@', '\\', '%']));
            }
        }

        #[test]
        fn normalizing_again_changes_nothing(text in "[a-z%0-9A-F/.*]{0,20}") {
            let once = normalize_encoding(&text);
            // `%2541` is `%2541` for good, and not `A`.
            prop_assert_eq!(normalize_encoding(&once), once);
        }
    }
}
