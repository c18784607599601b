//! A message's data as it comes (protocol, "Message data").

use std::fmt;

use zeroize::Zeroizing;

/// Bytes of the header length at the start of a message's data.
pub(super) const LENGTH_BYTES: usize = 8;

/// A message's data as it comes, the payload apart from what is before it: many megabytes of it need
/// never be moved. `Debug` shows how much there is.
pub(super) struct MessageData {
    /// Longest header that is taken, in bytes.
    header_limit: usize,
    /// The header's length and the header.
    pub(super) head: Zeroizing<Vec<u8>>,
    pub(super) payload: Zeroizing<Vec<u8>>,
}

impl MessageData {
    /// The data of a message of which nothing has come, with a header of up to so many bytes.
    pub(super) fn new(header_limit: usize) -> Self {
        Self {
            header_limit,
            head: Zeroizing::default(),
            payload: Zeroizing::default(),
        }
    }

    /// Lets go of what came, as of a message that is too long.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.header_limit);
    }

    /// Bytes that came.
    pub(super) fn len(&self) -> usize {
        self.head.len().saturating_add(self.payload.len())
    }

    /// Adds what came next.
    pub(super) fn append(&mut self, mut piece: &[u8]) {
        loop {
            let (taken, rest) = piece.split_at_checked(self.missing()).unwrap_or((piece, &[]));
            if taken.is_empty() {
                break;
            }
            self.head.extend_from_slice(taken);
            piece = rest;
        }
        self.payload.extend_from_slice(piece);
    }

    /// Bytes of the head that are known to be missing: of the length first, then of the header. None of
    /// a header whose length cannot be.
    fn missing(&self) -> usize {
        match self.head.split_first_chunk() {
            None => LENGTH_BYTES.saturating_sub(self.head.len()),
            Some((length, header)) => self
                .header_length(*length)
                .unwrap_or_default()
                .saturating_sub(header.len()),
        }
    }

    /// The length of the header, if the header may have it.
    pub(super) fn header_length(&self, bytes: [u8; LENGTH_BYTES]) -> Option<usize> {
        let length = usize::try_from(u64::from_be_bytes(bytes)).ok()?;
        (length <= self.header_limit).then_some(length)
    }
}

impl fmt::Debug for MessageData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageData({} bytes)", self.len())
    }
}
