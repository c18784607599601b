//! The data of a message that is being received (protocol, "Messages").

use std::fmt;

use zeroize::Zeroizing;

/// Bytes of the header length at the start of a message's data.
pub(super) const LENGTH_BYTES: usize = 8;

/// The data of a message that is being received. The payload has a buffer of its own, so that a payload of many
/// megabytes is not copied when the message is complete. `Debug` shows the number of bytes.
pub(super) struct MessageData {
    /// Longest header that is accepted, in bytes.
    header_limit: usize,
    /// The header's length and the header.
    pub(super) head: Zeroizing<Vec<u8>>,
    pub(super) payload: Zeroizing<Vec<u8>>,
}

impl MessageData {
    /// No data yet; a header of up to `header_limit` bytes is accepted.
    pub(super) fn new(header_limit: usize) -> Self {
        Self {
            header_limit,
            head: Zeroizing::default(),
            payload: Zeroizing::default(),
        }
    }

    /// Drops what was received: the message is too long.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.header_limit);
    }

    /// Number of bytes that were received.
    pub(super) fn len(&self) -> usize {
        self.head.len().saturating_add(self.payload.len())
    }

    /// Adds the next part. About `left` bytes follow it.
    pub(super) fn append(&mut self, mut piece: &[u8], left: usize) {
        loop {
            let (taken, rest) = piece.split_at_checked(self.missing()).unwrap_or((piece, &[]));
            if taken.is_empty() {
                break;
            }
            self.head.extend_from_slice(taken);
            piece = rest;
        }
        let (used, capacity) = (self.payload.len(), self.payload.capacity());
        if capacity.saturating_sub(used) < piece.len() {
            // Memory doubles with the bytes that came, but does not exceed what the message needs.
            let more = piece.len().saturating_add(left).min(used.max(piece.len()));
            self.payload.reserve_exact(more.max(piece.len()));
        }
        self.payload.extend_from_slice(piece);
    }

    /// Number of bytes that are missing of the header length, or of the header once its length is known. 0 if the
    /// length exceeds the limit: the rest counts as payload then, and the message is refused at its end.
    fn missing(&self) -> usize {
        match self.head.split_first_chunk() {
            None => LENGTH_BYTES.saturating_sub(self.head.len()),
            Some((length, header)) => self
                .header_length(*length)
                .unwrap_or_default()
                .saturating_sub(header.len()),
        }
    }

    /// The header length in these bytes; none if it exceeds the limit.
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
