//! Tests of the memory budget.

use super::*;
use crate::wire::{Identity, RoomName};

const MIB: usize = 1 << 20;
const WAIT: Duration = Duration::from_secs(10);

/// 2 MiB for what is small, 14 MiB for the rest, of which one identity may have 3.5 MiB.
fn budget() -> MemoryBudget {
    MemoryBudget::new(16 * MIB, 0, WAIT)
}

fn share(budget: &MemoryBudget, identity: &str) -> Arc<MemoryShare> {
    let lane = (RoomName::new("room").unwrap(), Identity::new(identity).unwrap());
    budget.share(&Arc::new(lane))
}

/// Takes as many reservations of `bytes` as there are.
fn take_all(share: &Arc<MemoryShare>, bytes: usize) -> Vec<Reservation> {
    std::iter::from_fn(|| share.try_reserve(bytes)).collect()
}

#[test]
fn an_identity_cannot_take_the_whole_budget() {
    let budget = budget();
    let (mallory, bob) = (share(&budget, "mallory"), share(&budget, "bob"));
    let again = share(&budget, "mallory");
    let large = take_all(&mallory, MIB / 2);
    assert_eq!(large.len(), 7);
    assert!(again.try_reserve(MIB / 2).is_none(), "all sessions share");
    let small = take_all(&mallory, SMALL_BYTES);
    assert_eq!(small.len(), 8);
    assert!(bob.try_reserve(3 * MIB).is_some());
    assert!(bob.try_reserve(1).is_some());
    drop((large, small));
    assert_eq!(take_all(&again, MIB / 2).len(), 7);
}

#[test]
fn what_is_small_does_not_wait_for_what_is_large() {
    let budget = budget();
    let large: Vec<_> = ["a", "b", "c", "d"]
        .iter()
        .flat_map(|name| take_all(&share(&budget, name), MIB / 2))
        .collect();
    assert_eq!(large.len(), 28);
    let bob = share(&budget, "bob");
    assert!(bob.try_reserve(MIB / 2).is_none());
    assert!(bob.try_reserve(SMALL_BYTES).is_some());
}

#[test]
fn the_largest_value_can_always_be_read_and_written() {
    // Beside the small part and the copy that the store makes there are 6 MiB: a quarter is less than one value.
    let budget = MemoryBudget::new(8 * MIB, MIB, WAIT);
    let bob = share(&budget, "bob");
    let reading = bob.try_reserve(2 * MIB).unwrap();
    assert!(bob.try_reserve(MIB).is_none());
    drop(reading);
    // More than there is counts as all there is.
    assert!(bob.try_reserve(100 * MIB).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_reservation_waits_and_then_fails() {
    let budget = budget();
    let bob = share(&budget, "bob");
    let held = bob.try_reserve(3 * MIB).unwrap();
    let begun = tokio::time::Instant::now();
    assert_eq!(bob.reserve(MIB).await.unwrap_err(), Busy);
    assert_eq!(begun.elapsed(), WAIT);
    let (reserved, ()) = tokio::join!(bob.reserve(MIB), async { drop(held) });
    assert!(reserved.is_ok());
    // What has stopped waiting holds nothing.
    drop(reserved);
    assert!(bob.try_reserve(3 * MIB).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_reservation_grows_and_shrinks() {
    let budget = budget();
    let bob = share(&budget, "bob");
    let mut growing = bob.reserve(1).await.unwrap();
    // From the small part to the large one.
    growing.grow(MIB).await.unwrap();
    assert_eq!(take_all(&bob, SMALL_BYTES).len(), 8);
    growing.grow(3 * MIB).await.unwrap();
    growing.grow(MIB).await.unwrap();
    assert!(bob.try_reserve(MIB).is_none());
    let other = bob.try_reserve(MIB / 2).unwrap();
    assert_eq!(growing.grow(3 * MIB + MIB / 2).await, Err(Busy));
    growing.shrink(MIB / 2);
    assert!(bob.try_reserve(2 * MIB + MIB / 2).is_some());
    drop((growing, other));
    assert!(bob.try_reserve(3 * MIB + MIB / 2).is_some());
}

#[test]
fn an_identity_without_sessions_is_forgotten() {
    let budget = budget();
    let bob = share(&budget, "bob");
    let reservation = bob.try_reserve(1).unwrap();
    drop(bob);
    assert_eq!(budget.0.shares().len(), 1, "a reservation keeps the share");
    drop(reservation);
    assert!(budget.0.shares().is_empty());
}
