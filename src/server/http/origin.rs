//! Checks of a request's `Host` and `Origin`.
//!
//! Every page in a browser on this machine can reach a server on it. The request of another site's page has
//! that site's `Origin`; the request of a page whose name resolves to this machine (DNS rebinding) has that name
//! as its `Host`. Both are refused, for WebSocket upgrades too.

use std::net::IpAddr;

use axum::extract::{Request, State as Shared};
use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::connection::{Connection, Transport};
use super::refusal::Refusal;
use crate::server::config::ServerConfig;

/// Refuses requests with a foreign `Host` or an `Origin` that is not listed (403).
pub(super) async fn guard(Shared(connection): Shared<Connection>, request: Request, next: Next) -> Response {
    let config = &connection.state.config;
    // No web page reaches the others by a name.
    if let Transport::Tcp { local_address, .. } = connection.transport
        && !host_allowed(config, request.headers(), local_address)
    {
        return Refusal::ForeignHost.into_response();
    }
    if !origin_allowed(config, request.headers()) {
        return Refusal::ForeignOrigin.into_response();
    }
    next.run(request).await
}

fn host_allowed(config: &ServerConfig, headers: &HeaderMap, local_address: Option<IpAddr>) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    let Some(name) = host.to_str().ok().and_then(without_port) else {
        return false;
    };
    match name
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>()
        .map(|address| address.to_canonical())
    {
        // An address cannot be rebound, because it is not resolved. Where a socket serves both
        // families, its IPv4 addresses are mapped ones (RFC 4291, 2.5.5.2).
        Ok(address)
            if address.is_loopback() || Some(address) == local_address.map(|local| local.to_canonical()) =>
        {
            true
        }
        _ => {
            name.eq_ignore_ascii_case("localhost")
                || config
                    .allowed_hosts
                    .iter()
                    .any(|allowed| allowed.eq_ignore_ascii_case(name))
        }
    }
}

fn without_port(host: &str) -> Option<&str> {
    let end = match host.rfind(']') {
        Some(bracket) => bracket.checked_add(1)?,
        None => host.find(':').unwrap_or(host.len()),
    };
    let (name, port) = host.split_at_checked(end)?;
    let port_is_one = port.is_empty()
        || port
            .strip_prefix(':')
            .is_some_and(|port| port.bytes().all(|digit| digit.is_ascii_digit()));
    (port_is_one && !name.is_empty()).then_some(name)
}

fn origin_allowed(config: &ServerConfig, headers: &HeaderMap) -> bool {
    headers.get_all(ORIGIN).iter().all(|origin| {
        origin
            .to_str()
            .is_ok_and(|origin| config.allowed_origins.iter().any(|allowed| allowed == origin))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &axum::http::HeaderName, values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn hosts() {
        let config = ServerConfig {
            allowed_hosts: vec!["rooms.example".into()],
            ..ServerConfig::default()
        };
        let local = Some("192.0.2.7".parse().unwrap());
        let allowed = |host: &str| host_allowed(&config, &headers(&HOST, &[host]), local);
        for host in [
            "localhost",
            "LOCALHOST:80",
            "127.0.0.1:7337",
            "127.8.8.8",
            "[::1]:1",
            "192.0.2.7:1",
            "Rooms.Example",
        ] {
            assert!(allowed(host), "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "192.0.2.8",
            "",
            ":80",
            "localhost:80:80",
            "localhost:x",
            "[::1",
            "a]b",
            "user@localhost",
        ] {
            assert!(!allowed(host), "{host}");
        }
        let mapped = Some("::ffff:192.0.2.7".parse().unwrap());
        assert!(host_allowed(&config, &headers(&HOST, &["192.0.2.7:1"]), mapped));
        assert!(!host_allowed(&config, &headers(&HOST, &["192.0.2.8:1"]), mapped));
        assert!(!host_allowed(&config, &headers(&HOST, &[]), local));
        assert!(!host_allowed(
            &config,
            &headers(&HOST, &["localhost", "localhost"]),
            local
        ));
    }

    #[test]
    fn origins() {
        let config = ServerConfig {
            allowed_origins: vec!["https://a.example".into()],
            ..ServerConfig::default()
        };
        assert!(origin_allowed(&config, &headers(&ORIGIN, &[])));
        assert!(origin_allowed(&config, &headers(&ORIGIN, &["https://a.example"])));
        for origin in [
            "null",
            "http://a.example",
            "https://a.example.evil",
            "http://localhost:7337",
        ] {
            assert!(!origin_allowed(&config, &headers(&ORIGIN, &[origin])), "{origin}");
        }
    }
}
