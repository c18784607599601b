//! What makes a changed chunk of a backup an error: authenticated encryption, or a checksum.

use std::fmt;

use aead_stream::{NewStream as _, StreamBE32, StreamPrimitive as _};
use chacha20poly1305::XChaCha20Poly1305;
use sha2::{Digest as _, Sha256};

use crate::server::store::Key;

/// Bytes of the nonce: those of XChaCha20-Poly1305 less the 5 of position and last flag.
pub(super) const NONCE_BYTES: usize = 19;

/// Bytes that a chunk ends in.
pub(super) const TAG_BYTES: usize = 16;

/// Seals and opens the chunks of one backup. Each is bound to the header, to its position, and to whether it is the
/// last: a chunk that was moved or left out does not open.
pub(super) struct Protection {
    header: Vec<u8>,
    /// STREAM (<https://eprint.iacr.org/2015/189>) over XChaCha20-Poly1305. Without it each chunk ends in the first
    /// half of a SHA-256, which finds damage and stops no attacker.
    encryption: Option<StreamBE32<XChaCha20Poly1305>>,
}

impl fmt::Debug for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encrypted = self.is_encryption();
        f.debug_struct("Protection")
            .field("encrypted", &encrypted)
            .finish_non_exhaustive()
    }
}

impl Protection {
    pub(super) fn encryption(key: &Key, nonce: [u8; NONCE_BYTES], header: Vec<u8>) -> Self {
        let stream = StreamBE32::new((&**key).into(), &nonce.into());
        Self {
            header,
            encryption: Some(stream),
        }
    }

    pub(super) const fn checksums(header: Vec<u8>) -> Self {
        Self {
            header,
            encryption: None,
        }
    }

    pub(super) const fn is_encryption(&self) -> bool {
        self.encryption.is_some()
    }

    /// Seals `chunk` in place, and appends the tag. False only if the position is beyond what is possible.
    pub(super) fn seal(&self, position: u32, last: bool, chunk: &mut Vec<u8>) -> bool {
        if let Some(stream) = &self.encryption {
            let sealed = stream.encrypt_in_place(position, last, &self.header, chunk);
            return sealed.is_ok();
        }
        let checksum = self.checksum(position, last, chunk);
        chunk.extend(checksum);
        true
    }

    /// Opens `chunk` in place, and removes the tag. False if it is not what was sealed.
    pub(super) fn open(&self, position: u32, last: bool, chunk: &mut Vec<u8>) -> bool {
        if let Some(stream) = &self.encryption {
            let opened = stream.decrypt_in_place(position, last, &self.header, chunk);
            return opened.is_ok();
        }
        let Some((content, checksum)) = chunk.split_last_chunk::<TAG_BYTES>() else {
            return false;
        };
        let (length, intact) = (content.len(), self.checksum(position, last, content) == *checksum);
        chunk.truncate(length);
        intact
    }

    fn checksum(&self, position: u32, last: bool, content: &[u8]) -> [u8; TAG_BYTES] {
        let hash = Sha256::new()
            .chain_update(&self.header)
            .chain_update(position.to_be_bytes())
            .chain_update([u8::from(last)])
            .chain_update(content)
            .finalize();
        let mut checksum = [0; TAG_BYTES];
        for (to, from) in checksum.iter_mut().zip(hash) {
            *to = from;
        }
        checksum
    }
}
