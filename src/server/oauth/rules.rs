//! Which token endpoints may be called, and at which addresses.

use std::net::SocketAddr;

use tokio::net::lookup_host;
use url::{Host, Url};

use super::TokenEndpointError;
use super::address::Reach;
use crate::net::authority;
use crate::wire::{HttpEndpoint, is_loopback};

/// Most addresses of a name that are tried.
const MAX_ADDRESSES: usize = 4;

/// Which token endpoints a server calls besides those that are public and encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenEndpointRules {
    /// Call those on this machine, by plain http too. For tests of a provider.
    pub allow_insecure: bool,
    /// Call those on this machine and on private networks, encrypted.
    pub allow_private: bool,
}

impl TokenEndpointRules {
    /// Whether an endpoint may be called as far as its URL tells.
    pub(super) fn check(self, endpoint: &Url) -> Result<(), TokenEndpointError> {
        HttpEndpoint::check(endpoint).map_err(|_| TokenEndpointError::NotAnEndpoint)?;
        match endpoint.scheme() {
            "https" => {}
            "http" if self.allow_insecure && is_loopback(endpoint) => {}
            "http" => return Err(TokenEndpointError::NotEncrypted),
            _ => return Err(TokenEndpointError::NotAnEndpoint),
        }
        match endpoint.host() {
            Some(Host::Ipv4(address)) => self.check_address(endpoint, SocketAddr::new(address.into(), 0)),
            Some(Host::Ipv6(address)) => self.check_address(endpoint, SocketAddr::new(address.into(), 0)),
            Some(Host::Domain(_)) => Ok(()),
            None => Err(TokenEndpointError::NotAnEndpoint),
        }
    }

    /// Whether an endpoint may be called at this address, whichever way that was found.
    fn check_address(self, endpoint: &Url, address: SocketAddr) -> Result<(), TokenEndpointError> {
        let allowed = match Reach::of(address.ip()) {
            Reach::Global => endpoint.scheme() == "https",
            Reach::Loopback => self.allow_private || (self.allow_insecure && is_loopback(endpoint)),
            Reach::Private => self.allow_private && endpoint.scheme() == "https",
            Reach::Reserved => false,
        };
        if allowed {
            Ok(())
        } else {
            Err(TokenEndpointError::NotPublic)
        }
    }
}

/// The addresses at which `endpoint` may be called; an error if there is none. Its name must not be
/// resolved again for the call: the owner of the name could give another answer.
pub(super) async fn resolve(
    endpoint: &Url,
    rules: TokenEndpointRules,
) -> Result<Vec<SocketAddr>, TokenEndpointError> {
    rules.check(endpoint)?;
    let port = endpoint.port_or_known_default().unwrap_or_default();
    let found: Vec<SocketAddr> = match endpoint.host() {
        Some(Host::Ipv4(address)) => vec![SocketAddr::new(address.into(), port)],
        Some(Host::Ipv6(address)) => vec![SocketAddr::new(address.into(), port)],
        Some(Host::Domain(name)) => match lookup_host((name, port)).await {
            Ok(found) => found.collect(),
            Err(_) => {
                return Err(TokenEndpointError::Unreachable {
                    host: authority(endpoint),
                    reason: "its name cannot be resolved".to_owned(),
                });
            }
        },
        None => Vec::new(),
    };
    permitted(endpoint, found, rules)
}

fn permitted(
    endpoint: &Url,
    found: Vec<SocketAddr>,
    rules: TokenEndpointRules,
) -> Result<Vec<SocketAddr>, TokenEndpointError> {
    let (good, refused): (Vec<_>, Vec<_>) = found
        .into_iter()
        .partition(|address| rules.check_address(endpoint, *address).is_ok());
    if good.is_empty() {
        tracing::warn!(
            endpoint = authority(endpoint),
            ?refused,
            "a token endpoint has no address that may be called"
        );
        return Err(TokenEndpointError::NotPublic);
    }
    Ok(good.into_iter().take(MAX_ADDRESSES).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: TokenEndpointRules = TokenEndpointRules {
        allow_insecure: false,
        allow_private: false,
    };
    const INSECURE: TokenEndpointRules = TokenEndpointRules {
        allow_insecure: true,
        ..NONE
    };
    const PRIVATE: TokenEndpointRules = TokenEndpointRules {
        allow_private: true,
        ..NONE
    };

    fn check(rules: TokenEndpointRules, endpoint: &str) -> Result<(), TokenEndpointError> {
        rules.check(&Url::parse(endpoint).unwrap())
    }

    #[test]
    fn what_a_url_tells() {
        use TokenEndpointError::{NotAnEndpoint, NotEncrypted, NotPublic};
        for (endpoint, none, insecure, private) in [
            ("https://p.example/token", None, None, None),
            ("https://1.1.1.1/token", None, None, None),
            (
                "http://p.example/token",
                Some(NotEncrypted),
                Some(NotEncrypted),
                Some(NotEncrypted),
            ),
            (
                "http://10.0.0.1/",
                Some(NotEncrypted),
                Some(NotEncrypted),
                Some(NotEncrypted),
            ),
            (
                "http://localhost:1/",
                Some(NotEncrypted),
                None,
                Some(NotEncrypted),
            ),
            (
                "http://127.0.0.1:1/",
                Some(NotEncrypted),
                None,
                Some(NotEncrypted),
            ),
            ("http://[::1]:1/", Some(NotEncrypted), None, Some(NotEncrypted)),
            ("https://127.0.0.1/", Some(NotPublic), None, None),
            // What a browser takes for an address is one.
            ("https://0x7f.1/", Some(NotPublic), None, None),
            ("https://2130706433/", Some(NotPublic), None, None),
            ("https://10.0.0.1/", Some(NotPublic), Some(NotPublic), None),
            ("https://[fd12::1]/", Some(NotPublic), Some(NotPublic), None),
            (
                "https://[::ffff:10.0.0.1]/",
                Some(NotPublic),
                Some(NotPublic),
                None,
            ),
            (
                "https://169.254.169.254/",
                Some(NotPublic),
                Some(NotPublic),
                Some(NotPublic),
            ),
            (
                "https://0.0.0.0/",
                Some(NotPublic),
                Some(NotPublic),
                Some(NotPublic),
            ),
            (
                "https://u@p.example/",
                Some(NotAnEndpoint),
                Some(NotAnEndpoint),
                Some(NotAnEndpoint),
            ),
            (
                "https://p.example/#f",
                Some(NotAnEndpoint),
                Some(NotAnEndpoint),
                Some(NotAnEndpoint),
            ),
            (
                "file:///etc/passwd",
                Some(NotAnEndpoint),
                Some(NotAnEndpoint),
                Some(NotAnEndpoint),
            ),
        ] {
            for (rules, refusal) in [(NONE, none), (INSECURE, insecure), (PRIVATE, private)] {
                assert_eq!(check(rules, endpoint).err(), refusal, "{endpoint} {rules:?}");
            }
        }
    }

    #[test]
    fn a_name_is_as_good_as_its_addresses() {
        let addresses = |texts: &[&str]| {
            texts
                .iter()
                .map(|text| text.parse().unwrap())
                .collect::<Vec<SocketAddr>>()
        };
        let endpoint = Url::parse("https://p.example/").unwrap();
        let of = |rules, texts: &[&str]| permitted(&endpoint, addresses(texts), rules);
        let mixed = ["10.0.0.1:443", "1.1.1.1:443", "[::1]:443"];
        assert_eq!(of(NONE, &mixed), Ok(addresses(&["1.1.1.1:443"])));
        assert_eq!(
            of(NONE, &["10.0.0.1:443", "127.0.0.1:443"]),
            Err(TokenEndpointError::NotPublic)
        );
        // A public name that leads to this machine is not this machine's name.
        assert_eq!(
            of(INSECURE, &["127.0.0.1:443"]),
            Err(TokenEndpointError::NotPublic)
        );
        assert_eq!(of(PRIVATE, &mixed), Ok(addresses(&mixed)));
        assert_eq!(of(NONE, &[]), Err(TokenEndpointError::NotPublic));
        let many = ["1.1.1.1:1"; 9];
        assert_eq!(of(NONE, &many).unwrap().len(), MAX_ADDRESSES);
        // Plain http is for this machine, and a name does not lead it elsewhere.
        let local = Url::parse("http://localhost/").unwrap();
        assert!(permitted(&local, addresses(&["1.1.1.1:80"]), INSECURE).is_err());
        assert!(permitted(&local, addresses(&["127.0.0.1:80"]), INSECURE).is_ok());
    }
}
