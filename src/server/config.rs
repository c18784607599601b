//! The server's settings and limits.

use std::time::Duration;

use url::Url;

use super::oauth::TokenEndpointRules;
use crate::wire::MAX_PAYLOAD_BYTES;

/// Memory for all that is in flight by default, in bytes: 512 MiB.
const DEFAULT_MEMORY_BYTES: usize = 512 << 20;

/// A server's settings.
#[derive(Debug, Clone, Default)]
pub struct ServerConfig {
    /// Limits on clients and their requests.
    pub limits: Limits,
    /// Host names that a request may name, besides loopback names and the address that it was sent to.
    pub allowed_hosts: Vec<String>,
    /// Origins of web pages that may send requests. None by default.
    pub allowed_origins: Vec<String>,
    /// The address that clients are told if they reach the server through a proxy.
    pub public_url: Option<Url>,
    /// How long entries of the audit log are kept. None for as long as nobody prunes it.
    pub audit_keep: Option<Duration>,
    /// The token endpoints that may be called.
    pub token_endpoints: TokenEndpointRules,
}

/// Limits on clients and their requests.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at the same time.
    pub connections: usize,
    /// Connections from one address that have not joined a room. The addresses of an IPv6 network of 64 bits are one.
    pub connections_per_address: usize,
    /// Connections with which one identity has joined rooms.
    pub connections_per_identity: usize,
    /// Bytes of a request's headers.
    pub header_bytes: usize,
    /// Time in which a request's headers must arrive.
    pub header_time: Duration,
    /// Bytes of the largest value.
    pub value_bytes: usize,
    /// Bytes of memory for all that is in flight: messages that are received, calls, and answers that wait for a socket.
    pub memory_bytes: usize,
    /// How long a call may wait for memory.
    pub memory_wait: Duration,
    /// Time in which a message that has begun must bring its next bytes, and longer than which it must bring 16 KiB/s on
    /// average.
    pub upload_time: Duration,
    /// Calls of one participant that are in flight at the same time. Further ones stay unread in its socket.
    pub calls_in_flight: usize,
    /// Requests that may wait for one participant's reply, and requests whose replies one participant may wait for.
    pub pending_requests: usize,
    /// Requests from one identity that may wait for one participant's reply.
    pub pending_requests_per_identity: usize,
    /// Time without a response after which a participant is sent a ping.
    pub ping_interval: Duration,
    /// Silence of a participant after which it is disconnected.
    pub idle_timeout: Duration,
    /// Time in which a participant must read a packet that is sent to it.
    pub send_timeout: Duration,
    /// Time in which a provider's token endpoint must answer.
    pub token_endpoint_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            connections_per_address: 512,
            connections_per_identity: 256,
            header_bytes: 16 << 10,
            header_time: Duration::from_secs(10),
            value_bytes: MAX_PAYLOAD_BYTES,
            memory_bytes: DEFAULT_MEMORY_BYTES,
            memory_wait: Duration::from_secs(10),
            upload_time: Duration::from_secs(30),
            calls_in_flight: 128,
            pending_requests: 1000,
            pending_requests_per_identity: 250,
            ping_interval: Duration::from_secs(20),
            idle_timeout: Duration::from_mins(1),
            send_timeout: Duration::from_secs(30),
            token_endpoint_time: Duration::from_secs(15),
        }
    }
}
