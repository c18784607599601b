//! The beginning of a backup: what it is, and how it is protected.
//!
//! | bytes | content |
//! |---|---|
//! | 16 | `meshagent backup` |
//! | 1 | version of the format: 1 |
//! | 1 | 0: checksums; 1: encrypted under a passphrase, and the rest follows |
//! | 12 | Argon2id: memory in KiB, passes and lanes, 4 bytes each, big-endian |
//! | 16 | Argon2id: salt |
//! | 19 | nonce |

use std::io::{self, Read};

use super::BackupError;
use super::protection::{NONCE_BYTES, Protection};
use crate::sensitive::SensitiveText;
use crate::server::store::{StoreError, Stretching};

const MAGIC: [u8; 16] = *b"meshagent backup";
const VERSION: u8 = 1;
const CHECKSUMS: u8 = 0;
const PASSPHRASE: u8 = 1;
const SALT_BYTES: usize = 16;

/// A header for a new backup, and the protection that it describes; checksums if there is no passphrase.
pub(super) fn new(passphrase: Option<&SensitiveText>) -> Result<(Vec<u8>, Protection), BackupError> {
    if let Some(passphrase) = passphrase {
        return encrypted(passphrase, &Stretching::new()?);
    }
    let header = start(CHECKSUMS);
    Ok((header.clone(), Protection::checksums(header)))
}

/// A header for a new backup whose passphrase is stretched in this way.
pub(super) fn encrypted(
    passphrase: &SensitiveText,
    stretching: &Stretching,
) -> Result<(Vec<u8>, Protection), BackupError> {
    let mut nonce = [0; NONCE_BYTES];
    getrandom::fill(&mut nonce).map_err(StoreError::from)?;
    let mut header = start(PASSPHRASE);
    for number in [stretching.memory, stretching.passes, stretching.lanes] {
        header.extend(number.to_be_bytes());
    }
    header.extend(&stretching.salt);
    header.extend(nonce);
    let protection = Protection::encryption(&stretching.key(passphrase)?, nonce, header.clone());
    Ok((header, protection))
}

fn start(kind: u8) -> Vec<u8> {
    [MAGIC.as_slice(), &[VERSION, kind]].concat()
}

/// Reads a header.
///
/// # Errors
/// [`BackupError::NotABackup`], [`BackupError::NewerVersion`]; [`BackupError::Encrypted`] and
/// [`BackupError::NotEncrypted`] if a passphrase is needed and missing, or the other way round.
pub(super) fn read(
    input: &mut impl Read,
    passphrase: Option<&SensitiveText>,
) -> Result<Protection, BackupError> {
    let [magic, version, kind] = [MAGIC.len(), 1, 1].map(|length| take(input, length));
    if magic? != MAGIC {
        return Err(BackupError::NotABackup);
    }
    let (version, kind) = (version?, kind?);
    match version.as_slice() {
        [VERSION] => {}
        [found] if *found > VERSION => {
            return Err(BackupError::NewerVersion {
                found: *found,
                known: VERSION,
            });
        }
        _ => return Err(BackupError::Damaged),
    }
    let mut header = [MAGIC.as_slice(), &version, &kind].concat();
    match (kind.as_slice(), passphrase) {
        ([CHECKSUMS], None) => Ok(Protection::checksums(header)),
        ([CHECKSUMS], Some(_)) => Err(BackupError::NotEncrypted),
        ([PASSPHRASE], None) => Err(BackupError::Encrypted),
        ([PASSPHRASE], Some(passphrase)) => {
            let mut field = |length| {
                let bytes = take(input, length)?;
                header.extend(&bytes);
                Ok::<_, BackupError>(bytes)
            };
            let mut number = || Ok::<_, BackupError>(u32::from_be_bytes(sized(&field(4)?)?));
            let stretching = Stretching {
                memory: number()?,
                passes: number()?,
                lanes: number()?,
                salt: field(SALT_BYTES)?,
            };
            let nonce = sized(&field(NONCE_BYTES)?)?;
            let key = stretching.key(passphrase).map_err(|_| BackupError::Damaged)?;
            Ok(Protection::encryption(&key, nonce, header))
        }
        _ => Err(BackupError::Damaged),
    }
}

/// The next bytes of the header.
fn take(input: &mut impl Read, length: usize) -> Result<Vec<u8>, BackupError> {
    let mut bytes = vec![0; length];
    match input.read_exact(&mut bytes) {
        Ok(()) => Ok(bytes),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(BackupError::NotABackup),
        Err(error) => Err(BackupError::from_io("read", error)),
    }
}

fn sized<const N: usize>(bytes: &[u8]) -> Result<[u8; N], BackupError> {
    bytes.try_into().map_err(|_| BackupError::Damaged)
}
