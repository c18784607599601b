//! A key from a passphrase: Argon2id, with parameters that are kept beside what the key protects: in the database, or
//! in the header of a backup.

use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

use super::StoreError;
use super::seal::Key;
use crate::sensitive::SensitiveText;

const MAX_MEMORY_KIB: u32 = 1 << 20;
const MAX_PASSES: u32 = 10;
const MAX_LANES: u32 = 4;
const MIN_SALT_BYTES: usize = 16;

/// How a passphrase is stretched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::server) struct Stretching {
    /// In KiB.
    pub(in crate::server) memory: u32,
    pub(in crate::server) passes: u32,
    pub(in crate::server) lanes: u32,
    pub(in crate::server) salt: Vec<u8>,
}

impl Stretching {
    /// For a new database or backup: 64 MiB, 3 passes, 1 lane, a random salt of 16 bytes.
    pub(in crate::server) fn new() -> Result<Self, StoreError> {
        let mut salt = vec![0; MIN_SALT_BYTES];
        getrandom::fill(&mut salt)?;
        Ok(Self {
            memory: 64 << 10,
            passes: 3,
            lanes: 1,
            salt,
        })
    }

    /// The key of `passphrase`. Takes a tenth of a second and [`Stretching::memory`].
    ///
    /// # Errors
    /// [`StoreError::Corrupted`] for parameters beyond 1 GiB, 10 passes or 4 lanes, which an
    /// attacker may have written to exhaust memory or time.
    pub(in crate::server) fn key(&self, passphrase: &SensitiveText) -> Result<Key, StoreError> {
        let damaged = || StoreError::Corrupted("the passphrase's parameters are not acceptable".into());
        let capped = self.memory <= MAX_MEMORY_KIB && self.passes <= MAX_PASSES && self.lanes <= MAX_LANES;
        if !capped || self.salt.len() < MIN_SALT_BYTES {
            return Err(damaged());
        }
        let parameters =
            Params::new(self.memory, self.passes, self.lanes, Some(32)).map_err(|_| damaged())?;
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
            .hash_password_into(passphrase.expose().as_bytes(), &self.salt, &mut *key)
            .map_err(|_| damaged())?;
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_beyond_the_caps_are_refused_before_they_cost_anything() {
        let fine = Stretching {
            memory: 64,
            passes: 1,
            lanes: 1,
            salt: vec![0; 16],
        };
        assert!(fine.key(&"x".to_owned().into()).is_ok());
        for bad in [
            Stretching {
                memory: MAX_MEMORY_KIB + 1,
                ..fine.clone()
            },
            Stretching {
                passes: 11,
                ..fine.clone()
            },
            Stretching {
                lanes: 5,
                ..fine.clone()
            },
            Stretching {
                salt: vec![0; 15],
                ..fine.clone()
            },
            Stretching {
                memory: 1,
                ..fine.clone()
            },
        ] {
            assert!(
                matches!(bad.key(&"x".to_owned().into()), Err(StoreError::Corrupted(_))),
                "{bad:?}"
            );
        }
    }
}
