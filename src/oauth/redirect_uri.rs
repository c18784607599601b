//! Redirect URIs: where the provider sends the browser with the code (RFC 6749, section 3.1.2).

use std::fmt;

use url::Url;

use crate::wire::{EndpointError, check_parts, is_loopback};

/// A redirect URI. It keeps the text that it was read from, because providers compare it as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectUri {
    text: String,
    url: Url,
}

/// Why a text is not a redirect URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RedirectUriError {
    /// It is not an absolute URI in ASCII.
    #[error("the redirect URI is not a URI")]
    NotAUri,
    /// It has a fragment (RFC 6749, section 3.1.2, forbids it).
    #[error("the redirect URI has a fragment, which no redirect URI may have")]
    Fragment,
    /// It has a user name or a password.
    #[error("the redirect URI has a user name or a password in it")]
    UserInfo,
}

impl RedirectUri {
    /// Reads a redirect URI: an absolute URI of any scheme, such as an app's own (RFC 8252, section 7.1).
    ///
    /// # Errors
    /// The first rule that `text` breaks.
    pub fn parse(text: &str) -> Result<Self, RedirectUriError> {
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(RedirectUriError::NotAUri);
        }
        let url = Url::parse(text).map_err(|_| RedirectUriError::NotAUri)?;
        check_parts(&url).map_err(|error| match error {
            EndpointError::Fragment => RedirectUriError::Fragment,
            _ => RedirectUriError::UserInfo,
        })?;
        let text = text.to_owned();
        Ok(Self { text, url })
    }

    /// The text, as it is sent to the provider.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is plain `http` to this machine, so that a [`super::LoopbackListener`] can bind to it (RFC 8252,
    /// section 7.3).
    pub fn is_loopback(&self) -> bool {
        self.url.scheme() == "http" && is_loopback(&self.url)
    }

    /// The port in the text, which may be the scheme's default. None without a port and for port 0.
    pub fn port(&self) -> Option<u16> {
        // `Url` drops the scheme's default port.
        let (_, rest) = self.text.split_once("://")?;
        let authority = rest.split(['/', '?', '\\']).next()?;
        let (_, port) = authority.rsplit_once(':')?;
        port.parse().ok().filter(|port| *port != 0)
    }

    /// The URI with another port.
    pub(super) fn with_port(&self, port: u16) -> Self {
        let mut url = self.url.clone();
        // Setting a port fails only for URIs without a host, and loopback URIs have one.
        let _ = url.set_port(Some(port));
        let text = url.as_str().to_owned();
        Self { text, url }
    }

    pub(super) const fn url(&self) -> &Url {
        &self.url
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_uri_stays_as_it_was_written() {
        for text in [
            "http://localhost:8765",
            "HTTP://LocalHost:80/",
            "com.example:/cb",
            "https://h?a=b",
        ] {
            assert_eq!(RedirectUri::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn what_is_no_redirect_uri() {
        use RedirectUriError::{Fragment, NotAUri, UserInfo};
        for (text, error) in [
            ("", NotAUri),
            ("/callback", NotAUri),
            ("http://h/a b", NotAUri),
            ("http://h/\n", NotAUri),
            ("http://h/#", Fragment),
            ("http://u@h/", UserInfo),
        ] {
            assert_eq!(RedirectUri::parse(text).unwrap_err(), error, "{text}");
        }
    }

    #[test]
    fn the_port_that_is_named() {
        for (text, port) in [
            ("http://127.0.0.1:80/", Some(80)),
            ("http://127.0.0.1:8765?x=:1", Some(8765)),
            ("http://[::1]:9/", Some(9)),
            ("http://[::1]/", None),
            ("http://localhost/a:1", None),
            ("http://localhost:0/", None),
            ("com.example:/1", None),
        ] {
            assert_eq!(RedirectUri::parse(text).unwrap().port(), port, "{text}");
        }
        let uri = RedirectUri::parse("http://[::1]/a?b=c").unwrap().with_port(80);
        assert_eq!(uri.as_str(), "http://[::1]/a?b=c", "80 need not be said");
    }

    #[test]
    fn what_comes_back_to_this_machine() {
        for (text, loopback) in [
            ("http://localhost/", true),
            ("http://127.0.0.9/", true),
            ("http://[::1]:1/", true),
            ("https://localhost/", false),
            ("http://localhost.example/", false),
            ("http://0.0.0.0/", false),
            ("com.example:/localhost", false),
        ] {
            assert_eq!(
                RedirectUri::parse(text).unwrap().is_loopback(),
                loopback,
                "{text}"
            );
        }
    }
}
