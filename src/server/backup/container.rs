//! The container of a backup: a [header], then chunks of 64 KiB, each with a tag. The last chunk may be
//! shorter.

use std::io::{self, Read, Write};

use zeroize::Zeroizing;

use super::protection::{Protection, TAG_BYTES};
use super::{BackupError, header};
use crate::sensitive::SensitiveText;

/// Bytes of a chunk without its tag.
const CHUNK_BYTES: usize = 64 << 10;
const SEALED_BYTES: usize = CHUNK_BYTES + TAG_BYTES;

/// Writes a container. [`ContainerWriter::finish`] completes it; without that, a reader finds it incomplete.
#[derive(Debug)]
pub(super) struct ContainerWriter<W> {
    output: W,
    protection: Protection,
    position: u32,
    chunk: Zeroizing<Vec<u8>>,
}

impl<W: Write> ContainerWriter<W> {
    /// Writes the header. With a passphrase the content is encrypted.
    pub(super) fn new(output: W, passphrase: Option<&SensitiveText>) -> Result<Self, BackupError> {
        Self::with_header(output, header::new(passphrase)?)
    }

    /// Writes this header. The chunks get the protection that it describes.
    pub(super) fn with_header(
        mut output: W,
        (header, protection): (Vec<u8>, Protection),
    ) -> Result<Self, BackupError> {
        output
            .write_all(&header)
            .map_err(|error| BackupError::from_io("written", error))?;
        Ok(Self {
            output,
            protection,
            position: 0,
            chunk: Zeroizing::new(Vec::with_capacity(SEALED_BYTES)),
        })
    }

    /// Writes what is left, as the last chunk.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.put(true)?;
        self.output.flush()
    }

    fn put(&mut self, last: bool) -> io::Result<()> {
        if !self.protection.seal(self.position, last, &mut self.chunk) {
            return Err(BackupError::TooLarge.into());
        }
        self.output.write_all(&self.chunk)?;
        self.chunk.clear();
        self.position = self.position.checked_add(1).ok_or(BackupError::TooLarge)?;
        Ok(())
    }
}

impl<W: Write> Write for ContainerWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Which chunk is the last is known when there is no more.
        if self.chunk.len() == CHUNK_BYTES && !bytes.is_empty() {
            self.put(false)?;
        }
        let room = CHUNK_BYTES.saturating_sub(self.chunk.len()).min(bytes.len());
        self.chunk
            .extend_from_slice(bytes.get(..room).unwrap_or_default());
        Ok(room)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads a container. Gives out no byte that was not checked; the end of the content is the end of a whole container.
#[derive(Debug)]
pub(super) struct ContainerReader<R> {
    input: R,
    protection: Protection,
    position: u32,
    /// An opened chunk, of which this many bytes were given out.
    chunk: Zeroizing<Vec<u8>>,
    given: usize,
    /// The chunk after it, still sealed: empty if there is none, which makes the former the last.
    next: Vec<u8>,
}

impl<R: Read> ContainerReader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// [`BackupError::NotABackup`], [`BackupError::NewerVersion`], [`BackupError::Encrypted`] and
    /// [`BackupError::NotEncrypted`].
    pub(super) fn new(mut input: R, passphrase: Option<&SensitiveText>) -> Result<Self, BackupError> {
        let protection = header::read(&mut input, passphrase)?;
        let next = read_chunk(&mut input).map_err(|error| BackupError::from_io("read", error))?;
        Ok(Self {
            input,
            protection,
            position: 0,
            chunk: Zeroizing::default(),
            given: 0,
            next,
        })
    }

    /// Opens the next chunk. A container has one at least.
    fn advance(&mut self) -> io::Result<()> {
        let following = read_chunk(&mut self.input)?;
        let mut chunk = std::mem::replace(&mut self.next, following);
        let last = self.next.is_empty();
        if !self.protection.open(self.position, last, &mut chunk) {
            let complete = chunk.len() >= TAG_BYTES;
            let may_be_the_passphrase = self.protection.is_encryption() && self.position == 0 && complete;
            return Err(if may_be_the_passphrase {
                BackupError::WrongPassphrase.into()
            } else {
                BackupError::Damaged.into()
            });
        }
        self.position = self.position.checked_add(1).ok_or(BackupError::Damaged)?;
        self.chunk = Zeroizing::new(chunk);
        self.given = 0;
        Ok(())
    }
}

/// The next sealed chunk; shorter at the end of the input, and empty after it.
fn read_chunk(input: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut chunk = Vec::with_capacity(SEALED_BYTES);
    input.take(SEALED_BYTES as u64).read_to_end(&mut chunk)?;
    Ok(chunk)
}

impl<R: Read> Read for ContainerReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.chunk.len() && (self.position == 0 || !self.next.is_empty()) {
            self.advance()?;
        }
        let mut rest = self.chunk.get(self.given..).unwrap_or_default();
        let read = rest.read(buffer)?;
        self.given += read;
        Ok(read)
    }
}
