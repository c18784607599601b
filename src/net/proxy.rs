//! The proxies that the environment names.

use std::ffi::OsString;
use std::fmt;

use url::{Host, Url};

use super::no_proxy::NoProxy;
use super::{NetError, authority};
use crate::wire::is_loopback;

/// The port of a SOCKS proxy that names none (RFC 1928, section 3).
const SOCKS_PORT: u16 = 1080;

/// The proxies of `HTTPS_PROXY`, `HTTP_PROXY` and `ALL_PROXY`, and what `NO_PROXY` excepts. Each may be in
/// lower case, which goes first. A variable that is empty counts as unset.
#[derive(Debug)]
pub(super) struct Proxies {
    https: Result<Option<Proxy>, NetError>,
    http: Result<Option<Proxy>, NetError>,
    except: Result<NoProxy, NetError>,
}

/// A proxy. `Debug` shows neither its user nor its password.
pub(super) struct Proxy {
    url: Url,
    variable: &'static str,
}

impl Proxies {
    /// Reads the variables. What is wrong with one is told when a request needs it.
    pub(super) fn read(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let first = |names: &[&'static str]| {
            names.iter().find_map(|name| {
                let value = variable(name).filter(|value| !value.is_empty())?;
                Some((*name, value))
            })
        };
        // A CGI program gets the header `Proxy` of its caller under this name.
        let http: &[_] = if variable("REQUEST_METHOD").is_some() {
            &["http_proxy", "all_proxy", "ALL_PROXY"]
        } else {
            &["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]
        };
        let https = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
        let proxy = |(name, value): (&'static str, OsString)| {
            Proxy::parse(name, &value).map_err(|problem| bad(name, problem))
        };
        let except = match first(&["no_proxy", "NO_PROXY"]) {
            Some((name, value)) => value
                .to_str()
                .ok_or("it is not UTF-8")
                .and_then(NoProxy::parse)
                .map_err(|problem| bad(name, problem)),
            None => Ok(NoProxy::default()),
        };
        Self {
            https: first(&https).map(proxy).transpose(),
            http: first(http).map(proxy).transpose(),
            except,
        }
    }

    /// The proxy for a request to `url`; none for this machine, and for what is excepted.
    ///
    /// # Errors
    /// [`NetError::BadProxy`] if a variable that matters cannot be read. [`NetError::ClearThroughProxy`]
    /// for a request without TLS. [`NetError::Unreachable`] for an IPv6 address, which the library cannot
    /// reach through a proxy.
    pub(super) fn choose(&self, url: &Url) -> Result<Option<&Proxy>, NetError> {
        if is_loopback(url) {
            return Ok(None);
        }
        let is_encrypted = url.scheme() == "https";
        let proxy = if is_encrypted { &self.https } else { &self.http };
        let Some(proxy) = proxy.as_ref().map_err(Clone::clone)? else {
            return Ok(None);
        };
        if self.except.as_ref().map_err(Clone::clone)?.contains(url) {
            return Ok(None);
        }
        let host = authority(url);
        if !is_encrypted {
            let variable = proxy.variable;
            return Err(NetError::ClearThroughProxy { host, variable });
        }
        if let Some(Host::Ipv6(_)) = url.host() {
            let reason =
                "an IPv6 address cannot be reached through a proxy; use a name, or NO_PROXY".to_owned();
            return Err(NetError::Unreachable { host, reason });
        }
        Ok(Some(proxy))
    }
}

fn bad(variable: &'static str, problem: &'static str) -> NetError {
    NetError::BadProxy { variable, problem }
}

impl Proxy {
    /// Reads `[SCHEME://][USER[:PASSWORD]@]HOST[:PORT]`, with `http` as the default scheme.
    fn parse(variable: &'static str, value: &OsString) -> Result<Self, &'static str> {
        let text = value.to_str().ok_or("it is not UTF-8")?;
        if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err("it has a blank or a line end in it");
        }
        if text.starts_with(['"', '\'']) || text.ends_with(['"', '\'']) {
            return Err("it has quotes around it");
        }
        let url = if text.contains("://") {
            Url::parse(text)
        } else {
            Url::parse(&format!("http://{text}"))
        };
        let url = url.map_err(|_| "it is not a URL like http://HOST:PORT")?;
        if !matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h") {
            return Err("its scheme is not http, https, socks5 or socks5h");
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err("it has more than a host and a port");
        }
        // What the library cannot read it takes for no proxy.
        let readable = url.as_str().parse::<hyper::Uri>();
        if url.host_str().is_none_or(str::is_empty) || !readable.is_ok_and(|uri| uri.host().is_some()) {
            return Err("it names no host");
        }
        Ok(Self { url, variable })
    }

    pub(super) const fn url(&self) -> &Url {
        &self.url
    }

    /// Host and port, without user and password.
    pub(super) fn authority(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        let port = self.url.port_or_known_default().unwrap_or(SOCKS_PORT);
        format!("{host}:{port}")
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, authority) = (self.url.scheme(), self.authority());
        write!(f, "{}={scheme}://{authority}", self.variable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Proxies {
        Proxies::read(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        })
    }

    fn choose(variables: &[(&str, &str)], url: &str) -> Result<Option<String>, NetError> {
        let proxies = proxies(variables);
        let chosen = proxies.choose(&Url::parse(url).unwrap())?;
        Ok(chosen.map(|proxy| proxy.url.to_string()))
    }

    #[test]
    fn a_proxy_may_have_each_scheme_and_name() {
        for (name, value, expected) in [
            ("HTTPS_PROXY", "http://p:3128", "http://p:3128/"),
            ("https_proxy", "http://p:3128/", "http://p:3128/"),
            ("ALL_PROXY", "https://p", "https://p/"),
            ("all_proxy", "socks5://p:1080", "socks5://p:1080"),
            (
                "HTTPS_PROXY",
                "socks5h://u:p%40s@[::1]:1080",
                "socks5h://u:p%40s@[::1]:1080",
            ),
            ("HTTPS_PROXY", "p:3128", "http://p:3128/"),
            ("HTTPS_PROXY", "user:password@p", "http://user:password@p/"),
            ("HTTPS_PROXY", "10.0.0.1:3128", "http://10.0.0.1:3128/"),
        ] {
            let chosen = choose(&[(name, value)], "https://h.example");
            assert_eq!(chosen.unwrap().as_deref(), Some(expected), "{value}");
        }
    }

    #[test]
    fn lower_case_goes_first_and_the_schemes_own_variable_before_all_proxy() {
        let all = [
            ("https_proxy", "http://a"),
            ("HTTPS_PROXY", "http://b"),
            ("all_proxy", "http://c"),
            ("ALL_PROXY", "http://d"),
        ];
        for (skipped, expected) in [
            (0, "http://a/"),
            (1, "http://b/"),
            (2, "http://c/"),
            (3, "http://d/"),
        ] {
            let chosen = choose(&all[skipped..], "https://h.example").unwrap();
            assert_eq!(chosen.as_deref(), Some(expected));
        }
        let empty = [("https_proxy", ""), ("HTTPS_PROXY", "http://b")];
        let chosen = choose(&empty, "https://h.example").unwrap();
        assert_eq!(chosen.as_deref(), Some("http://b/"));
        assert_eq!(
            choose(&[("HTTP_PROXY", "http://p")], "https://h.example"),
            Ok(None)
        );
    }

    #[test]
    fn a_proxy_variable_that_cannot_be_read_is_an_error_that_names_it_and_not_its_value() {
        for value in [
            "http://canary:3128\r",
            "http://canary:3128\n",
            " http://canary",
            "http://can ary",
            "\"http://canary\"",
            "'http://canary'",
            "ftp://canary",
            "socks://canary",
            "socks4://canary",
            "http://",
            "http://:3128",
            "socks5h://",
            "http://canary:port",
            "http://canary:99999",
            "http://user:can#ary@p",
            "http://p/canary.pac",
            "http://p?canary",
            "://canary",
        ] {
            for name in ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
                let error = choose(&[(name, value)], "https://h.example").unwrap_err();
                let told = format!("{error} {error:?}");
                assert!(matches!(error, NetError::BadProxy { variable, .. } if variable == name));
                assert!(told.contains(name) && !told.contains("canary"), "{told}");
            }
        }
        for except in ["h.example\r\n", "\"h.example\"", "10.0.0.0/33", "h.example:port"] {
            let variables = [("HTTPS_PROXY", "http://p"), ("NO_PROXY", except)];
            let error = choose(&variables, "https://h.example").unwrap_err();
            assert!(
                matches!(
                    error,
                    NetError::BadProxy {
                        variable: "NO_PROXY",
                        ..
                    }
                ),
                "{except}"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_proxy_variable_that_is_not_utf8_is_an_error() {
        use std::os::unix::ffi::OsStringExt;
        let bytes = || Some(OsString::from_vec(b"http://\xff".to_vec()));
        let proxies = Proxies::read(|name| if name == "HTTPS_PROXY" { bytes() } else { None });
        let chosen = proxies.choose(&Url::parse("https://h.example").unwrap());
        assert_eq!(chosen.unwrap_err(), bad("HTTPS_PROXY", "it is not UTF-8"));
    }

    #[test]
    fn a_loopback_server_needs_no_proxy_not_even_one_that_can_be_read() {
        for url in [
            "https://localhost",
            "https://127.0.0.2:1",
            "https://[::1]",
            "http://localhost",
        ] {
            for value in ["http://p", "http://p\r"] {
                assert_eq!(choose(&[("ALL_PROXY", value)], url), Ok(None), "{url}");
            }
        }
    }

    #[test]
    fn no_request_without_tls_passes_a_proxy() {
        for (name, value) in [
            ("HTTP_PROXY", "http://p"),
            ("http_proxy", "https://p"),
            ("ALL_PROXY", "socks5h://p"),
        ] {
            let error = choose(&[(name, value)], "http://h.example:8080").unwrap_err();
            let expected = NetError::ClearThroughProxy {
                host: "h.example:8080".to_owned(),
                variable: name,
            };
            assert_eq!(error, expected);
        }
        let excepted = [("HTTP_PROXY", "http://p"), ("NO_PROXY", "h.example")];
        assert_eq!(choose(&excepted, "http://h.example"), Ok(None));
        // The caller of a CGI program does not choose its proxy.
        let cgi = [("HTTP_PROXY", "http://p"), ("REQUEST_METHOD", "GET")];
        assert_eq!(choose(&cgi, "http://h.example"), Ok(None));
    }

    #[test]
    fn debug_shows_neither_user_nor_password() {
        let shown = format!("{:?}", proxies(&[("ALL_PROXY", "http://canary:canary@p:3128")]));
        assert!(
            shown.contains("ALL_PROXY=http://p:3128") && !shown.contains("canary"),
            "{shown}"
        );
    }
}
