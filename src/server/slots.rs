//! Slots for connections: how many there may be at the same time, in all and from one address. Above
//! [`shares`](super::shares).
//!
//! A connection that waits for its peer's next request is idle. When there is no free slot for a newcomer, the
//! connection that has been idle for longest makes room for it, so that connections on which nothing is asked keep
//! nobody out.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::shares::{Share, Shares};

/// Bits of an IPv6 address that are the network's. The rest a peer chooses as it likes (RFC 4291, section 2.5.4).
const IPV6_NETWORK_BITS: u32 = 64;

/// Why there is no slot for a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoSlot {
    /// All connections are in use.
    #[error("all {0} connections that this server allows are in use")]
    All(usize),
    /// Those of the peer's address are.
    #[error("all {0} connections that one address may have before it joins a room are in use")]
    Address(usize),
}

/// The slots for connections.
#[derive(Debug)]
pub(super) struct SlotPool {
    limit: usize,
    free: Arc<Semaphore>,
    by_address: Shares<IpAddr>,
    idle: Mutex<IdleConnections>,
}

/// The connections that are idle, from the one that has been so for longest on.
#[derive(Debug, Default)]
struct IdleConnections {
    next: u64,
    by_age: BTreeMap<u64, IdleConnection>,
}

#[derive(Debug)]
struct IdleConnection {
    slot: Slot,
    evicted: CancellationToken,
}

#[derive(Debug)]
struct Slot {
    permit: OwnedSemaphorePermit,
    address: IpAddr,
    _share: Share<IpAddr>,
}

/// The slot of one connection. It becomes free when this is dropped, unless a session has taken it over.
#[derive(Debug)]
pub(super) struct ConnectionSlot {
    pool: Arc<SlotPool>,
    evicted: CancellationToken,
    held: Mutex<Held>,
}

/// Where the slot of a connection is.
#[derive(Debug)]
enum Held {
    /// In the pool, under this key. If the key is not there, the connection was evicted.
    Idle(u64),
    /// Here, while a request is being answered.
    Answering(Slot),
    /// With the session that the connection became.
    HandedOver,
}

/// The slot of a participant's session. It does not count for its address any more.
#[derive(Debug)]
pub(super) struct SessionSlot(
    #[expect(dead_code, reason = "it is held until it is dropped")] OwnedSemaphorePermit,
);

impl SlotPool {
    /// `limit` slots, of which connections from one address may have `per_address` until they join a room.
    pub(super) fn new(limit: usize, per_address: usize) -> Self {
        let limit = limit.min(Semaphore::MAX_PERMITS);
        Self {
            limit,
            free: Arc::new(Semaphore::new(limit)),
            by_address: Shares::new(per_address.min(limit)),
            idle: Mutex::default(),
        }
    }

    /// A slot for a new connection from `peer`, which is idle at first. If there is none, the connection that has
    /// been idle for longest is evicted: of that address, if its share is used up, else of all.
    ///
    /// # Errors
    /// [`NoSlot`] if none of those connections is idle.
    pub(super) fn admit(self: &Arc<Self>, peer: IpAddr) -> Result<ConnectionSlot, NoSlot> {
        let address = network(peer);
        let slot = match self.take(address) {
            Ok(slot) => slot,
            Err(full) if self.evict(full, address) => self.take(address)?,
            Err(full) => return Err(full),
        };
        let evicted = CancellationToken::new();
        let key = self.idle().insert(slot, evicted.clone());
        Ok(ConnectionSlot {
            pool: Arc::clone(self),
            evicted,
            held: Mutex::new(Held::Idle(key)),
        })
    }

    /// How many slots there are.
    pub(super) const fn limit(&self) -> usize {
        self.limit
    }

    /// How many slots are in use.
    pub(super) fn used(&self) -> usize {
        self.limit.saturating_sub(self.free.available_permits())
    }

    fn take(&self, address: IpAddr) -> Result<Slot, NoSlot> {
        let full = NoSlot::Address(self.by_address.limit());
        let share = self.by_address.take(address).ok_or(full)?;
        let permit = Arc::clone(&self.free).try_acquire_owned();
        Ok(Slot {
            permit: permit.map_err(|_| NoSlot::All(self.limit))?,
            address,
            _share: share,
        })
    }

    /// Ends the connection that has been idle for longest. False if there is none.
    fn evict(&self, full: NoSlot, address: IpAddr) -> bool {
        let mut idle = self.idle();
        let mut oldest = idle.by_age.iter();
        let oldest = oldest.find(|(_, idle)| matches!(full, NoSlot::All(_)) || idle.slot.address == address);
        let Some(IdleConnection { slot, evicted }) = oldest
            .map(|(key, _)| *key)
            .and_then(|key| idle.by_age.remove(&key))
        else {
            return false;
        };
        tracing::debug!(address = %slot.address, "an idle connection makes room for a new one");
        evicted.cancel();
        true
    }

    fn idle(&self) -> MutexGuard<'_, IdleConnections> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl IdleConnections {
    fn insert(&mut self, slot: Slot, evicted: CancellationToken) -> u64 {
        let key = self.next;
        self.next = key.wrapping_add(1);
        self.by_age.insert(key, IdleConnection { slot, evicted });
        key
    }
}

impl ConnectionSlot {
    /// Waits until the connection is evicted.
    pub(super) async fn evicted(&self) {
        self.evicted.cancelled().await;
    }

    /// A request has come: the connection is not idle any more. False if it was evicted.
    pub(super) fn request_began(&self) -> bool {
        let mut held = self.held();
        if let Held::Idle(key) = *held {
            match self.pool.idle().by_age.remove(&key) {
                Some(idle) => *held = Held::Answering(idle.slot),
                None => return false,
            }
        }
        true
    }

    /// The request was answered: the connection is idle, unless a session has taken its slot over.
    pub(super) fn request_ended(&self) {
        let mut held = self.held();
        *held = match std::mem::replace(&mut *held, Held::HandedOver) {
            Held::Answering(slot) => Held::Idle(self.pool.idle().insert(slot, self.evicted.clone())),
            other => other,
        };
    }

    /// Hands the slot to the session that the request being answered starts.
    pub(super) fn hand_over(&self) -> Option<SessionSlot> {
        let mut held = self.held();
        match std::mem::replace(&mut *held, Held::HandedOver) {
            Held::Answering(slot) => Some(SessionSlot(slot.permit)),
            other => {
                *held = other;
                None
            }
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        if let Held::Idle(key) = *self.held() {
            self.pool.idle().by_age.remove(&key);
        }
    }
}

/// What counts as one address: an IPv4 address, or the network of an IPv6 address.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => {
            let host_bits = u128::BITS.saturating_sub(IPV6_NETWORK_BITS);
            Ipv6Addr::from_bits((address.to_bits() >> host_bits) << host_bits).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use futures_util::FutureExt as _;

    use super::*;

    const ONE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

    fn pool(limit: usize, per_address: usize) -> Arc<SlotPool> {
        Arc::new(SlotPool::new(limit, per_address))
    }

    fn busy(pool: &Arc<SlotPool>, peer: IpAddr) -> ConnectionSlot {
        let slot = pool.admit(peer).unwrap();
        assert!(slot.request_began());
        slot
    }

    fn is_evicted(slot: &ConnectionSlot) -> bool {
        slot.evicted().now_or_never().is_some()
    }

    #[test]
    fn the_connection_that_has_been_idle_for_longest_makes_room() {
        let pool = pool(3, 3);
        let slots = [ONE, OTHER, ONE].map(|peer| pool.admit(peer).unwrap());
        // The first is idle since its request was answered, which is later than the others.
        assert!(slots[0].request_began());
        slots[0].request_ended();
        let _newcomer = pool.admit(OTHER).unwrap();
        assert_eq!(slots.each_ref().map(is_evicted), [false, true, false]);
        assert!(!slots[1].request_began());
        assert!(slots[2].request_began());
    }

    #[test]
    fn a_request_that_is_being_answered_makes_no_room() {
        let pool = pool(2, 2);
        let (first, _second) = (busy(&pool, ONE), busy(&pool, OTHER));
        assert_eq!(pool.admit(ONE).unwrap_err(), NoSlot::All(2));
        first.request_ended();
        pool.admit(ONE).unwrap();
        assert!(is_evicted(&first));
    }

    #[test]
    fn an_address_has_a_share_until_its_connections_join() {
        let pool = pool(4, 2);
        let (first, second) = (busy(&pool, ONE), busy(&pool, ONE));
        assert_eq!(pool.admit(ONE).unwrap_err(), NoSlot::Address(2));
        // Others have room, and an idle one of them makes none for this address.
        let other = pool.admit(OTHER).unwrap();
        assert_eq!(pool.admit(ONE).unwrap_err(), NoSlot::Address(2));
        assert!(!is_evicted(&other));
        let session = first.hand_over().unwrap();
        first.request_ended();
        drop(first);
        let _third = busy(&pool, ONE);
        // The session has kept its slot.
        second.request_ended();
        drop((other, second));
        let _rest = [busy(&pool, OTHER), busy(&pool, OTHER)];
        assert_eq!(pool.admit(ONE).unwrap_err(), NoSlot::All(4));
        drop(session);
        pool.admit(ONE).unwrap();
    }

    #[test]
    fn a_slot_is_free_when_its_connection_ends() {
        let pool = pool(1, 1);
        drop(pool.admit(ONE).unwrap());
        drop(busy(&pool, ONE));
        let _last = busy(&pool, OTHER);
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_one() {
        let network = |address: &str| network(address.parse().unwrap()).to_string();
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(network("192.0.2.1"), "192.0.2.1");
    }
}
