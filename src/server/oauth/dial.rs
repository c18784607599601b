//! Dials a token endpoint, guarded: which endpoints may be called, at which addresses.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};
use url::{Host, Url};

use super::TokenEndpointError;
use super::address::Reach;
use crate::net::{Stream, authority, is_loopback, secure};

/// Time to connect, TLS included.
const CONNECT_TIME: Duration = Duration::from_secs(5);

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
        if !endpoint.username().is_empty() || endpoint.password().is_some() || endpoint.fragment().is_some() {
            return Err(TokenEndpointError::NotAnEndpoint);
        }
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
            Reach::Nobody => false,
        };
        if allowed {
            Ok(())
        } else {
            Err(TokenEndpointError::NotPublic)
        }
    }
}

/// Opens a stream to `endpoint`: directly, whatever proxies the environment names. The name is resolved
/// once and what is dialled is an address that was checked, so that no second answer of the name's
/// owner counts.
pub(super) async fn dial(
    endpoint: &Url,
    rules: TokenEndpointRules,
) -> Result<Box<dyn Stream>, TokenEndpointError> {
    rules.check(endpoint)?;
    let deadline = Instant::now() + CONNECT_TIME;
    let connected = async {
        let addresses = resolve(endpoint, rules).await?;
        let stream = connect(endpoint, &addresses, deadline).await?;
        // Small requests must not wait for the confirmation of the ones before.
        let _ = stream.set_nodelay(true);
        if endpoint.scheme() != "https" {
            return Ok(Box::new(stream) as Box<dyn Stream>);
        }
        let host = endpoint.host_str().unwrap_or_default();
        secure(stream, host)
            .await
            .map_err(|reason| unreachable(endpoint, reason))
    };
    timeout_at(deadline, connected)
        .await
        .unwrap_or_else(|_| Err(unreachable(endpoint, "no connection within 5 s")))
}

/// The addresses of the endpoint that may be dialled; an error if there is none.
async fn resolve(endpoint: &Url, rules: TokenEndpointRules) -> Result<Vec<SocketAddr>, TokenEndpointError> {
    let port = endpoint.port_or_known_default().unwrap_or_default();
    let found: Vec<SocketAddr> = match endpoint.host() {
        Some(Host::Ipv4(address)) => vec![SocketAddr::new(address.into(), port)],
        Some(Host::Ipv6(address)) => vec![SocketAddr::new(address.into(), port)],
        Some(Host::Domain(name)) => match lookup_host((name, port)).await {
            Ok(found) => found.collect(),
            Err(_) => return Err(unreachable(endpoint, "its name cannot be resolved")),
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

/// The first address that answers; each has its share of the time that is left.
async fn connect(
    endpoint: &Url,
    addresses: &[SocketAddr],
    deadline: Instant,
) -> Result<TcpStream, TokenEndpointError> {
    let mut last = "no connection within 5 s".to_owned();
    for (tried, address) in addresses.iter().enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        let rest = u32::try_from(addresses.len().saturating_sub(tried)).unwrap_or(1);
        match timeout(left / rest.max(1), TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error.to_string(),
            Err(_) => {}
        }
    }
    Err(unreachable(endpoint, last))
}

fn unreachable(endpoint: &Url, reason: impl Into<String>) -> TokenEndpointError {
    TokenEndpointError::Unreachable {
        host: authority(endpoint),
        reason: reason.into(),
    }
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
