//! Endpoints: addresses of HTTP requests, and pages that a browser opens.

use std::fmt;
use std::str::FromStr;

use url::Url;

use super::address::is_loopback;

/// Why a text is not an endpoint. No variant holds the text, because it may have a password in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// It is not an absolute URL with a host.
    #[error("it is not a URL like https://host.example/path")]
    NotAUrl,
    /// Its scheme is not `http` or `https`.
    #[error("it is not an http or https URL")]
    NotHttp,
    /// It has a user name or a password. In `https://good.example@bad.example` the host is `bad.example`.
    #[error("it has a user name or a password in it")]
    UserInfo,
    /// It has a fragment, which no endpoint may have (RFC 6749, sections 3.1 and 3.2).
    #[error("it has a fragment, which it may not have")]
    Fragment,
}

/// An `http` or `https` URL with a host, and without user name, password and fragment. A query is allowed.
///
/// It keeps the text that it was read from, because grants and providers compare endpoints as text
/// (protocol, "OAuth").
///
/// ```
/// use meshagent::wire::{EndpointError, HttpEndpoint};
///
/// let endpoint: HttpEndpoint = "https://provider.example:443/authorize".parse()?;
/// assert_eq!(endpoint.as_str(), "https://provider.example:443/authorize");
/// assert_eq!(endpoint.url().as_str(), "https://provider.example/authorize");
/// assert!(endpoint.is_encrypted_or_loopback());
/// assert_eq!(HttpEndpoint::parse("https://good@bad.example"), Err(EndpointError::UserInfo));
/// # Ok::<(), EndpointError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpEndpoint {
    text: String,
    url: Url,
}

impl HttpEndpoint {
    /// Reads an endpoint.
    ///
    /// # Errors
    /// The first rule that `text` breaks.
    pub fn parse(text: impl Into<String>) -> Result<Self, EndpointError> {
        let text = text.into();
        let url = Url::parse(&text).map_err(|_| EndpointError::NotAUrl)?;
        Self::check(&url)?;
        Ok(Self { text, url })
    }

    /// Checks whether `url` keeps the rules of endpoints, without making one.
    ///
    /// # Errors
    /// The first rule that `url` breaks.
    pub fn check(url: &Url) -> Result<(), EndpointError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(EndpointError::NotHttp);
        }
        check_parts(url)
    }

    /// The text as it was read.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The parsed URL: lower-case host, no default port.
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// The parsed URL, without the text.
    pub fn into_url(self) -> Url {
        self.url
    }

    /// The host: a name in lower case or an address. An IPv6 address is in brackets.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Whether a credential may be sent there: it is `https`, or on this machine.
    pub fn is_encrypted_or_loopback(&self) -> bool {
        super::address::is_encrypted_or_loopback(&self.url)
    }

    /// Whether it is on this machine: see [`is_loopback`].
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.url)
    }

    /// Adds segments to the path, each percent-encoded. `.` and `..` must not be among them: URL parsers resolve
    /// them even when they are percent-encoded.
    #[must_use]
    pub fn join<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Self {
        let mut url = self.url.clone();
        // Every http URL has a path that can be extended.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        Self::of(url)
    }

    /// Replaces the query.
    #[must_use]
    pub fn with_query(&self, query: &str) -> Self {
        let mut url = self.url.clone();
        url.set_query(Some(query));
        Self::of(url)
    }

    fn of(url: Url) -> Self {
        let text = url.as_str().to_owned();
        Self { text, url }
    }
}

impl fmt::Display for HttpEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for HttpEndpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// Checks that a URL of any scheme has no user name, no password and no fragment.
pub(crate) fn check_parts(url: &Url) -> Result<(), EndpointError> {
    if !url.username().is_empty() || url.password().is_some() {
        Err(EndpointError::UserInfo)
    } else if url.fragment().is_some() {
        Err(EndpointError::Fragment)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_keep_their_text() {
        for text in [
            "https://p.example/authorize?tenant=1",
            "HTTP://P.example:80/a b",
            "https://[::1]:8443/",
        ] {
            assert_eq!(HttpEndpoint::parse(text).unwrap().to_string(), text);
        }
        let endpoint = HttpEndpoint::parse("HTTP://P.example:80/a").unwrap();
        assert_eq!((endpoint.host(), endpoint.url().path()), ("p.example", "/a"));
    }

    #[test]
    fn what_is_not_an_endpoint_is_refused_and_not_repeated() {
        for (text, expected) in [
            ("", EndpointError::NotAUrl),
            ("canary", EndpointError::NotAUrl),
            ("https://", EndpointError::NotAUrl),
            ("javascript:canary", EndpointError::NotHttp),
            ("file:///canary", EndpointError::NotHttp),
            ("wss://canary", EndpointError::NotHttp),
            ("https://canary@h", EndpointError::UserInfo),
            ("https://:canary@h", EndpointError::UserInfo),
            ("https://h#canary", EndpointError::Fragment),
            ("https://h/#", EndpointError::Fragment),
        ] {
            let error = HttpEndpoint::parse(text).unwrap_err();
            assert_eq!(error, expected, "{text:?}");
            assert!(!format!("{error} {error:?}").contains("canary"));
        }
    }

    #[test]
    fn credentials_are_safe_where_nobody_listens() {
        for (text, safe) in [
            ("https://h", true),
            ("http://localhost:80", true),
            ("http://127.1.2.3", true),
            ("http://[::1]", true),
            ("http://h", false),
            ("http://localhost.h", false),
            ("http://10.0.0.1", false),
            ("http://0.0.0.0", false),
            ("http://[::2]", false),
        ] {
            let endpoint = HttpEndpoint::parse(text).unwrap();
            assert_eq!(endpoint.is_encrypted_or_loopback(), safe, "{text}");
        }
    }

    #[test]
    fn segments_are_encoded_and_the_query_is_replaced() {
        let endpoint = HttpEndpoint::parse("https://h/base/?x").unwrap();
        assert_eq!(
            endpoint.join(["a b", "c/%?#"]).as_str(),
            "https://h/base/a%20b/c%2F%25%3F%23?x"
        );
        assert_eq!(endpoint.with_query("y=1").as_str(), "https://h/base/?y=1");
    }
}
