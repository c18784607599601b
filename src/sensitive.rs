//! Values that must not leak: secrets, tokens, keys and passwords.
//!
//! [`Sensitive`] hides its content in `Debug`, overwrites its memory when it is dropped, and gives the content out
//! only by [`Sensitive::expose`], which is easy to search for in a review.
//!
//! ```
//! use meshagent::sensitive::SensitiveText;
//!
//! let token = SensitiveText::new("hunter2".to_owned());
//! assert_eq!(format!("{token:?}"), "Sensitive(…)");
//! assert_eq!(token.expose(), "hunter2");
//! ```

use std::{fmt, io};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroize;

/// The value of a secret: bytes.
pub type SecretValue = Sensitive<Vec<u8>>;

/// A token, a key or a password as text.
pub type SensitiveText = Sensitive<String>;

/// A value whose memory can be overwritten, spare capacity included.
pub trait Wipe {
    /// Overwrites the content and leaves the value empty.
    fn wipe(&mut self);
}

// `zeroize` overwrites elements one by one and spare capacity in bulk, which is much faster for many megabytes. A
// value that is cleared first has spare capacity alone.

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

/// A value that is hidden in `Debug` and overwritten on drop.
///
/// Only the memory that the value owns when it is dropped is overwritten. Copies that the operating system, a
/// socket buffer or a growing vector made before remain.
#[derive(Clone, Default)]
pub struct Sensitive<T: Wipe>(T);

impl<T: Wipe> Sensitive<T> {
    /// Wraps `value`.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The content. The caller must not let it reach logs, errors or arguments of other programs.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Wipe + Default> Sensitive<T> {
    /// Unwraps the content, which is then no longer overwritten on drop.
    pub fn into_exposed(mut self) -> T {
        std::mem::take(&mut self.0)
    }
}

impl io::Write for SecretValue {
    /// Appends `bytes` and never fails. When the value moves to a larger buffer, the former one is overwritten.
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

/// A sensitive text that serializes to the text itself: for structures that carry a token in a message or in the
/// encrypted store. [`SensitiveText`] has no `Serialize` on purpose.
#[derive(Debug, Clone)]
pub struct SerializableText(pub SensitiveText);

impl Serialize for SerializableText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose())
    }
}

impl<'de> Deserialize<'de> for SerializableText {
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
