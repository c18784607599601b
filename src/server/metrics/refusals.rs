//! Connections and requests that were refused, by reason.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// Why a connection or a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::server) enum RefusalReason {
    /// The limit of connections.
    ConnectionLimit,
    /// The limit of connections from one address.
    AddressLimit,
    /// The limit of connections of one identity.
    IdentityLimit,
    /// The connection was closed to make room for another.
    Evicted,
    /// The request's host name or origin.
    Origin,
    /// A credential that is missing or not valid.
    Credential,
    /// A valid credential that does not grant this.
    Permission,
    /// A room or project that does not exist.
    NotFound,
    /// A failure of the store.
    Store,
}

/// Connections and requests that were refused, by reason.
#[derive(Debug, Default)]
pub(in crate::server) struct RefusalMetrics(Family<[(&'static str, &'static str); 1], Counter>);

impl RefusalReason {
    const ALL: [Self; 9] = [
        Self::ConnectionLimit,
        Self::AddressLimit,
        Self::IdentityLimit,
        Self::Evicted,
        Self::Origin,
        Self::Credential,
        Self::Permission,
        Self::NotFound,
        Self::Store,
    ];

    const fn label(self) -> &'static str {
        match self {
            Self::ConnectionLimit => "connection_limit",
            Self::AddressLimit => "address_limit",
            Self::IdentityLimit => "identity_limit",
            Self::Evicted => "evicted",
            Self::Origin => "origin",
            Self::Credential => "credential",
            Self::Permission => "permission",
            Self::NotFound => "not_found",
            Self::Store => "store",
        }
    }
}

impl RefusalMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        // All series from the start: a rate needs a value before the first refusal.
        for reason in RefusalReason::ALL {
            self.0.get_or_create_owned(&[("reason", reason.label())]);
        }
        registry.register(
            "refused",
            "Connections and requests that were refused, by reason",
            self.0.clone(),
        );
    }

    pub(in crate::server) fn count(&self, reason: RefusalReason) {
        self.0.get_or_create_owned(&[("reason", reason.label())]).inc();
    }
}
