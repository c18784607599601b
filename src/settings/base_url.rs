//! A URL under which others are made.

use url::Url;

use super::SettingsError;
use crate::net::is_loopback;

/// A URL that a path can be put under, with where it is from.
#[derive(Debug, Clone)]
pub(super) struct BaseUrl(Url);

impl BaseUrl {
    /// The base of the API's URLs: http or https.
    pub(super) fn api(text: &str, origin: &'static str, insecure: bool) -> Result<Self, SettingsError> {
        let url = parse(text, origin, insecure)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(SettingsError::BadUrl {
                origin,
                problem: "its scheme is not http or https",
            });
        }
        Ok(Self(url))
    }

    /// The base of rooms' URLs: ws or wss; http and https are made so.
    pub(super) fn room(text: &str, origin: &'static str, insecure: bool) -> Result<Self, SettingsError> {
        let mut url = parse(text, origin, insecure)?;
        let scheme = match url.scheme() {
            "http" | "ws" => "ws",
            _ => "wss",
        };
        let problem = "its scheme is not http, https, ws or wss";
        url.set_scheme(scheme)
            .map_err(|()| SettingsError::BadUrl { origin, problem })?;
        Ok(Self(url))
    }

    /// The URL as text, without a slash at its end.
    pub(super) fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// The URL with these segments after its path, percent-encoded. No segment may be `.` or `..`.
    pub(super) fn join(&self, segments: &[&str]) -> Url {
        let mut url = self.0.clone();
        // A URL with a host, and `parse` saw to that, always has a path that can be extended.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }
}

fn parse(text: &str, origin: &'static str, insecure: bool) -> Result<Url, SettingsError> {
    let bad = |problem| SettingsError::BadUrl { origin, problem };
    let url = Url::parse(text).map_err(|_| bad("it is not a URL"))?;
    if !matches!(url.scheme(), "http" | "https" | "ws" | "wss") {
        return Err(bad("its scheme is not http, https, ws or wss"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("it has a user name or a password in it"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(bad("it has a query or a fragment"));
    }
    if matches!(url.scheme(), "http" | "ws") && !insecure && !is_loopback(&url) {
        return Err(SettingsError::InsecureUrl { origin });
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_urls() {
        for (base, expected) in [
            ("https://h", "wss://h/rooms/a%20b%2Fc%25%3F%23"),
            ("https://h/", "wss://h/rooms/a%20b%2Fc%25%3F%23"),
            ("https://h/base", "wss://h/base/rooms/a%20b%2Fc%25%3F%23"),
            ("wss://h:8443/base/", "wss://h:8443/base/rooms/a%20b%2Fc%25%3F%23"),
            ("http://127.1.2.3:80", "ws://127.1.2.3/rooms/a%20b%2Fc%25%3F%23"),
            ("ws://[::1]:9/", "ws://[::1]:9/rooms/a%20b%2Fc%25%3F%23"),
            ("HTTP://LocalHost", "ws://localhost/rooms/a%20b%2Fc%25%3F%23"),
        ] {
            let url = BaseUrl::room(base, "X", false)
                .unwrap()
                .join(&["rooms", "a b/c%?#"]);
            assert_eq!(url.as_str(), expected, "{base}");
        }
    }

    #[test]
    fn what_is_no_base_is_refused_and_not_repeated() {
        for text in [
            "",
            "canary",
            "ftp://canary",
            "https://",
            "https://canary@h",
            "https://u:canary@h",
            "https://h?canary",
            "https://h/?",
            "https://h#canary",
        ] {
            let error = BaseUrl::room(text, "X", true).unwrap_err();
            assert!(
                matches!(error, SettingsError::BadUrl { origin: "X", .. }),
                "{text}"
            );
            assert!(
                !format!("{error} {error:?} {:?}", error.hint()).contains("canary"),
                "{text}"
            );
        }
        assert!(matches!(
            BaseUrl::api("wss://h", "X", false),
            Err(SettingsError::BadUrl { .. })
        ));
    }

    #[test]
    fn credentials_do_not_travel_in_clear() {
        for text in [
            "http://h",
            "ws://h",
            "http://localhost.h",
            "http://10.0.0.1",
            "http://[::2]",
            "http://0.0.0.0",
        ] {
            let error = BaseUrl::room(text, "X", false).unwrap_err();
            assert!(matches!(error, SettingsError::InsecureUrl { .. }), "{text}");
            assert!(BaseUrl::room(text, "X", true).is_ok(), "{text}");
        }
    }
}
