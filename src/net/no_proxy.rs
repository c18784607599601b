//! `NO_PROXY`: what is reached without a proxy.

use std::net::IpAddr;

use ipnet::IpNet;
use url::{Host, Url};

/// The entries of `NO_PROXY`, with commas or blanks between them.
#[derive(Debug, Default)]
pub(super) struct NoProxy(Vec<Entry>);

#[derive(Debug)]
enum Entry {
    /// `*`
    All,
    /// `h.example`, `.h.example` or `*.h.example`: the domain and those below it. With a port, that one
    /// alone.
    Domain(String, Option<u16>),
    /// `10.0.0.0/8`, `10.0.0.1`, `::1` or `[::1]`, an address with a port too.
    Addresses(IpNet, Option<u16>),
}

impl NoProxy {
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        if text.contains(|c: char| matches!(c, '"' | '\'') || (c.is_control() && c != '\t')) {
            return Err("it has quotes or a line end in it");
        }
        let entries = text.split([',', ' ', '\t']).filter(|entry| !entry.is_empty());
        let entries: Result<_, _> = entries.map(Entry::parse).collect();
        Ok(Self(entries?))
    }

    /// Whether `url` is reached without a proxy.
    pub(super) fn contains(&self, url: &Url) -> bool {
        self.0.iter().any(|entry| entry.contains(url))
    }
}

impl Entry {
    fn parse(text: &str) -> Result<Self, &'static str> {
        if text == "*" {
            return Ok(Self::All);
        }
        if text.contains('/') {
            let network = text
                .parse()
                .map_err(|_| "it has a network that is not like 10.0.0.0/8")?;
            return Ok(Self::Addresses(network, None));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Addresses(address.into(), None));
        }
        // The colons in brackets are those of an address.
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => {
                let port = port.parse().map_err(|_| "it has a port that is not a number")?;
                (name, Some(port))
            }
            _ => (text, None),
        };
        let name = name.strip_prefix('*').unwrap_or(name);
        let name = name.strip_prefix('.').unwrap_or(name).trim_end_matches('.');
        match Host::parse(name) {
            Ok(Host::Domain(name)) => Ok(Self::Domain(name, port)),
            Ok(Host::Ipv4(address)) => Ok(Self::Addresses(IpAddr::from(address).into(), port)),
            Ok(Host::Ipv6(address)) => Ok(Self::Addresses(IpAddr::from(address).into(), port)),
            Err(_) => Err("it has an entry that is neither a name nor an address"),
        }
    }

    fn contains(&self, url: &Url) -> bool {
        let has_port = |port: &Option<u16>| port.is_none() || *port == url.port_or_known_default();
        let address = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::from(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::from(address).to_canonical()),
            _ => None,
        };
        match self {
            Self::All => true,
            Self::Domain(domain, port) => {
                has_port(port) && url.domain().is_some_and(|name| is_in(name, domain))
            }
            Self::Addresses(network, port) => {
                has_port(port) && address.is_some_and(|it| network.contains(&it))
            }
        }
    }
}

/// Whether `name` is `domain` or below it.
fn is_in(name: &str, domain: &str) -> bool {
    let above = name.trim_end_matches('.').strip_suffix(domain);
    above.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(except: &str, contained: &[&str], others: &[&str]) {
        let except = NoProxy::parse(except).unwrap();
        let contains = |url: &str| except.contains(&Url::parse(url).unwrap());
        for url in contained {
            assert!(contains(url), "{url} is not in {except:?}");
        }
        for url in others {
            assert!(!contains(url), "{url} is in {except:?}");
        }
    }

    #[test]
    fn a_star_is_everything() {
        check(
            "*",
            &["https://h", "https://10.0.0.1", "https://[2001:db8::1]"],
            &[],
        );
        check("a, *", &["https://h"], &[]);
    }

    #[test]
    fn a_name_is_the_domain_and_those_below_it() {
        for except in [
            "h.example",
            ".h.example",
            "*.h.example",
            "H.Example.",
            "x h.example",
            "x,h.example",
        ] {
            check(
                except,
                &[
                    "https://h.example",
                    "https://a.h.example:8443",
                    "https://A.H.EXAMPLE./x",
                ],
                &["https://ah.example", "https://example", "https://h.example.org"],
            );
        }
        check("b\u{fc}cher.example", &["https://xn--bcher-kva.example"], &[]);
        check("", &[], &["https://h.example"]);
    }

    #[test]
    fn a_port_excepts_that_port_alone() {
        check(
            "h.example:443",
            &["https://h.example"],
            &["https://h.example:8443"],
        );
        check(
            ".h.example:8443",
            &["https://a.h.example:8443"],
            &["https://a.h.example"],
        );
        check("10.0.0.1:8443", &["https://10.0.0.1:8443"], &["https://10.0.0.1"]);
        check(
            "[2001:db8::1]:8443",
            &["https://[2001:db8::1]:8443"],
            &["https://[2001:db8::1]"],
        );
    }

    #[test]
    fn an_address_with_and_without_brackets() {
        for except in ["2001:db8::1", "[2001:db8::1]", "2001:db8:0::1"] {
            check(except, &["https://[2001:db8::1]"], &["https://[2001:db8::2]"]);
        }
        check(
            "10.0.0.1",
            &["https://10.0.0.1", "https://[::ffff:10.0.0.1]"],
            &["https://10.0.0.10"],
        );
    }

    #[test]
    fn a_network_is_all_its_addresses() {
        check(
            "10.0.0.0/8",
            &["https://10.255.0.1"],
            &["https://11.0.0.1", "https://h10.0.0.1.example"],
        );
        check(
            "2001:db8::/32",
            &["https://[2001:db8:1::1]"],
            &["https://[2001:db9::1]"],
        );
    }

    #[test]
    fn what_other_programs_read_matches_nothing_here() {
        check("192.168.*", &[], &["https://192.168.0.1"]);
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        for except in [
            "h\r",
            "\"h\"",
            "h:port",
            "10.0.0.0/33",
            "h/8",
            "[::1",
            "h:99999",
            "<local>",
        ] {
            assert!(NoProxy::parse(except).is_err(), "{except}");
        }
    }
}
