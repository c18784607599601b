//! A value that must not leak.
//!
//! [`Sensitive`] is the only type in which a secret value, a token or a key is carried through the
//! program. It never shows its content in `Debug`, it overwrites its memory when it is dropped, and
//! it hands the content out only where the code says [`Sensitive::expose`].

use std::fmt;

use zeroize::Zeroize;

/// The bytes of a secret.
pub type SecretValue = Sensitive<Vec<u8>>;

/// A token, a key or a password that is text.
pub type SensitiveText = Sensitive<String>;

/// A value that must not leak: redacted in `Debug`, overwritten on drop.
///
/// Overwriting covers the memory this value owns when it is dropped. Copies that the operating
/// system, a socket buffer or a growing vector made on the way are outside its reach.
#[derive(Clone, Default)]
pub struct Sensitive<T: Zeroize>(T);

impl<T: Zeroize> Sensitive<T> {
    /// Takes charge of `value`.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The content. Whoever calls this answers for where it goes.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize + Default> Sensitive<T> {
    /// The content, out of this value's care.
    pub fn into_exposed(mut self) -> T {
        std::mem::take(&mut self.0)
    }
}

impl<T: Zeroize> From<T> for Sensitive<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: Zeroize> fmt::Debug for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sensitive(…)")
    }
}

impl<T: Zeroize> Drop for Sensitive<T> {
    fn drop(&mut self) {
        self.0.zeroize();
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
    fn into_exposed_keeps_the_content() {
        assert_eq!(SensitiveText::new("abc".to_owned()).into_exposed(), "abc");
    }
}
