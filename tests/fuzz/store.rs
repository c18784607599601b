//! Sealed values, as somebody may have changed them in the database.

use super::seal::{Bound, Key, open, seal};
use crate::fuzz::check;

fn key() -> Key {
    Key::new([1; 32])
}

fn bound() -> Bound {
    Bound::store_key(1, &[7; 16])
}

/// No edit of a sealed value opens, but for the value itself.
#[test]
fn sealed_value() {
    let seeds = [&b""[..], b"canary"].map(|value| seal(&key(), &bound(), value).unwrap());
    check!(seeds, |input| {
        if let Some(value) = open(&key(), &bound(), input) {
            assert!(matches!(value.expose().as_slice(), b"" | b"canary"));
            assert_eq!(input.len(), value.expose().len() + 40);
        }
    });
}
