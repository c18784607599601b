//! What an operator can set.

use std::time::Duration;

use url::Url;

use super::oauth::TokenEndpointRules;
use crate::wire::MAX_PAYLOAD_BYTES;

/// How a server behaves.
#[derive(Debug, Clone, Default)]
pub struct ServerConfig {
    /// Its limits.
    pub limits: Limits,
    /// Host names besides loopback ones and the address itself that a request may be made to.
    pub allowed_hosts: Vec<String>,
    /// Origins of web pages that may ask; none by default.
    pub allowed_origins: Vec<String>,
    /// The address that clients are told, where a proxy stands before the server.
    pub public_url: Option<Url>,
    /// Which token endpoints are called.
    pub token_endpoints: TokenEndpointRules,
}

/// What a client may ask of a server before it is turned away.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// Bytes of a request's headers.
    pub header_bytes: usize,
    /// Time for a request's headers to come.
    pub header_time: Duration,
    /// Bytes of the largest value.
    pub value_bytes: usize,
    /// Calls of one participant that are worked on at once; more wait unread in its socket.
    pub calls_in_flight: usize,
    /// Requests that may wait for one participant's answer, and that one participant may wait for.
    pub pending_requests: usize,
    /// Silence after which a participant is asked whether it is there.
    pub ping_interval: Duration,
    /// Silence after which a participant counts as gone.
    pub idle_timeout: Duration,
    /// Time in which a participant must take a packet that is sent to it.
    pub send_timeout: Duration,
    /// Time in which a provider's token endpoint must answer.
    pub token_endpoint_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            header_bytes: 16 << 10,
            header_time: Duration::from_secs(10),
            value_bytes: MAX_PAYLOAD_BYTES,
            calls_in_flight: 128,
            pending_requests: 1000,
            ping_interval: Duration::from_secs(20),
            idle_timeout: Duration::from_mins(1),
            send_timeout: Duration::from_secs(30),
            token_endpoint_time: Duration::from_secs(15),
        }
    }
}
