//! A value that must not leak.
//!
//! [`Sensitive`] is the only type in which a secret value, a token or a key is carried through the
//! program. It never shows its content in `Debug`, it overwrites its memory when it is dropped, and
//! it hands the content out only where the code says [`Sensitive::expose`].

use std::{fmt, io};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroize;

/// The bytes of a secret.
pub type SecretValue = Sensitive<Vec<u8>>;

/// A token, a key or a password that is text.
pub type SensitiveText = Sensitive<String>;

/// A value that can be overwritten with all the memory it owns.
pub trait Wipe {
    /// Overwrites the content and leaves the value empty.
    fn wipe(&mut self);
}

// Spare capacity is overwritten in bulk, elements are one by one: of many megabytes, the difference is
// felt. So the value is emptied first, and all of its memory is spare then.

impl Wipe for Vec<u8> {
    fn wipe(&mut self) {
        self.clear();
        self.zeroize();
    }
}

impl Wipe for String {
    fn wipe(&mut self) {
        self.clear();
        self.zeroize();
    }
}

/// A value that must not leak: redacted in `Debug`, overwritten on drop.
///
/// Overwriting covers the memory this value owns when it is dropped. Copies that the operating
/// system, a socket buffer or a growing vector made on the way are outside its reach.
#[derive(Clone, Default)]
pub struct Sensitive<T: Wipe>(T);

impl<T: Wipe> Sensitive<T> {
    /// Takes charge of `value`.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The content. Whoever calls this answers for where it goes.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Wipe + Default> Sensitive<T> {
    /// The content, out of this value's care.
    pub fn into_exposed(mut self) -> T {
        std::mem::take(&mut self.0)
    }
}

impl io::Write for SecretValue {
    /// Appends; memory that the value outgrows is overwritten. Never fails.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let used = self.0.len();
        if self.0.capacity() - used < bytes.len() {
            let mut larger = Vec::with_capacity((used + bytes.len()).saturating_mul(2));
            larger.extend_from_slice(&self.0);
            std::mem::replace(&mut self.0, larger).wipe();
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<T: Wipe> From<T> for Sensitive<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: Wipe> fmt::Debug for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sensitive(…)")
    }
}

impl<T: Wipe> Drop for Sensitive<T> {
    fn drop(&mut self) {
        self.0.wipe();
    }
}

/// A sensitive text that is written and read as it is: for the few structures that carry one on the wire
/// or into the sealed store. Its owner answers for where they go.
#[derive(Debug, Clone)]
pub struct CarriedText(pub SensitiveText);

impl Serialize for CarriedText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose())
    }
}

impl<'de> Deserialize<'de> for CarriedText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        let value = SecretValue::new(b"canary".to_vec());
        assert_eq!(format!("{value:?} {value:#?}"), "Sensitive(…) Sensitive(…)");
    }

    #[test]
    fn what_was_wiped_is_empty() {
        let (mut bytes, mut text) = (b"canary".to_vec(), "canary".to_owned());
        bytes.wipe();
        text.wipe();
        assert!(bytes.is_empty() && text.is_empty());
    }

    #[test]
    fn writing_appends() {
        let mut value = SecretValue::default();
        for _ in 0..100 {
            io::Write::write_all(&mut value, b"canary").unwrap();
        }
        assert_eq!(value.expose(), &b"canary".repeat(100));
    }

    #[test]
    fn into_exposed_keeps_the_content() {
        assert_eq!(SensitiveText::new("abc".to_owned()).into_exposed(), "abc");
    }
}
