//! Backups: a store in one file. Above `store`, beside `oauth` and `keys`.
//!
//! A backup is a [container] whose content is the [manifest], the store's key if it is included (32 bytes), and
//! the database. Values in the database are sealed as always; ids, names and owners are readable in it, which is what
//! the container is encrypted for.
//!
//! Both directions have two steps: a [`Workspace`] is made, which is removed when it is dropped, and a function that
//! blocks works in it. So a caller that stops waiting leaves nothing behind.

mod container;
mod error;
#[cfg(test)]
#[path = "../../../tests/fuzz/backup.rs"]
mod fuzz;
mod header;
mod manifest;
mod protection;
#[cfg(test)]
mod tests;

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use self::container::{ContainerReader, ContainerWriter};
pub use self::error::BackupError;
pub use self::manifest::Manifest;
use super::store::backup as database;
use super::store::{Key, KeySource};
use crate::fs::NewDirectory;
use crate::sensitive::SensitiveText;

const KEY_BYTES: usize = 32;

/// A private directory that is removed when this is dropped.
#[derive(Debug)]
pub struct Workspace(NewDirectory);

impl Workspace {
    /// Makes it in `directory`.
    ///
    /// # Errors
    /// Those of the system.
    pub fn create_in(directory: &Path) -> io::Result<Self> {
        NewDirectory::create_in(directory).map(Self)
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Gives it the name `target`, which must be on the same file system, and missing or an empty directory. It stays
    /// then.
    ///
    /// # Errors
    /// Those of the system. Nothing is left then.
    pub fn persist(self, target: &Path) -> io::Result<()> {
        self.0.persist(target)
    }
}

/// Whether there is a store in the data directory `directory`.
pub fn has_store(directory: &Path) -> bool {
    database::has_database(directory)
}

/// What is backed up, and how.
#[derive(Debug, Clone)]
pub struct BackupOptions {
    /// The data directory. A server may serve it meanwhile.
    pub data_dir: PathBuf,
    /// Encrypts the backup; without one it has checksums alone.
    pub passphrase: Option<SensitiveText>,
    /// The source of the store's key, if the key is to be in the backup.
    pub include_key: Option<KeySource>,
}

/// Writes a backup to `output`. `workspace` is an empty directory, in which the database is copied: the data
/// directory is a good place for it, since it holds the same. Blocks.
///
/// # Errors
/// [`BackupError::KeyWithoutEncryption`] and [`BackupError::NoKeyToInclude`]; those of the store, which are
/// [`StoreError::WrongKey`](super::store::StoreError::WrongKey) if the key to include does not open the database.
pub fn back_up(
    options: &BackupOptions,
    workspace: &Path,
    output: &mut dyn Write,
) -> Result<Manifest, BackupError> {
    let BackupOptions {
        data_dir,
        passphrase,
        include_key,
    } = options;
    if include_key.is_some() && passphrase.is_none() {
        return Err(BackupError::KeyWithoutEncryption);
    }
    if !has_store(data_dir) {
        return Err(BackupError::NoStore(data_dir.clone()));
    }
    let key = match include_key {
        Some(source) => Some(database::key(data_dir, source)?.ok_or(BackupError::NoKeyToInclude)?),
        None => None,
    };
    let summary = database::copy(data_dir, workspace, include_key.as_ref())?;
    let (bytes, sha256) = copy_hashed(&mut database::open(workspace)?, &mut io::sink())?;
    let manifest = Manifest::new(summary, bytes, &sha256, key.is_some());
    let failed = |error| BackupError::from_io("written", error);
    let mut container = ContainerWriter::new(output, passphrase.as_ref())?;
    container.write_all(&manifest.to_bytes()?).map_err(failed)?;
    if let Some(key) = &key {
        container.write_all(&**key).map_err(failed)?;
    }
    copy_hashed(&mut database::open(workspace)?, &mut container)?;
    container.finish().map_err(failed)?;
    Ok(manifest)
}

/// Reads a backup whole and makes the empty directory `workspace` a data directory of it: each part is authenticated,
/// the database is the one that the manifest describes, and every row and value in it opens. Blocks.
///
/// The store's key comes from the backup, or else from `key_source`.
///
/// # Errors
/// [`BackupError::WrongPassphrase`], [`BackupError::Damaged`] and others. What is in the directory then is of no use.
pub fn restore(
    input: &mut dyn Read,
    passphrase: Option<&SensitiveText>,
    key_source: &KeySource,
    workspace: &Path,
) -> Result<Manifest, BackupError> {
    let mut container = ContainerReader::new(input, passphrase)?;
    let manifest = Manifest::read(&mut container)?;
    let key = if manifest.includes_key {
        Some(read_key(&mut container)?)
    } else {
        None
    };
    let source = match &key {
        Some(key) => KeySource::Environment(SensitiveText::new(STANDARD.encode(**key))),
        // The directory is new: there is no key file in it.
        None if matches!(key_source, KeySource::Default) => return Err(BackupError::KeyNeeded),
        None => key_source.clone(),
    };
    database::put(workspace, |file| {
        let (bytes, sha256) = copy_hashed(&mut container, file)?;
        if manifest.describes(bytes, &sha256) {
            Ok(())
        } else {
            Err(BackupError::Damaged)
        }
    })?;
    let proven = database::prove(workspace, &source)?;
    if proven.secrets != manifest.secrets || proven.commits != manifest.commits {
        return Err(BackupError::Damaged);
    }
    if let Some(key) = &key {
        database::put_key(workspace, key)?;
    }
    Ok(manifest)
}

fn read_key(content: &mut impl Read) -> Result<Key, BackupError> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    content
        .read_exact(&mut *key)
        .map_err(|error| BackupError::from_io("read", error))?;
    Ok(key)
}

/// Copies to the end. Returns the number of bytes and their SHA-256.
fn copy_hashed(input: &mut dyn Read, output: &mut dyn Write) -> Result<(u64, Vec<u8>), BackupError> {
    let mut buffer = vec![0; 64 << 10];
    let (mut bytes, mut hash) = (0, Sha256::new());
    loop {
        let read = input
            .read(&mut buffer)
            .map_err(|error| BackupError::from_io("read", error))?;
        if read == 0 {
            return Ok((bytes, hash.finalize().to_vec()));
        }
        let part = buffer.get(..read).unwrap_or_default();
        hash.update(part);
        output
            .write_all(part)
            .map_err(|error| BackupError::from_io("written", error))?;
        bytes += read as u64;
    }
}
