//! A certificate and its key, read from their files.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use tokio_rustls::rustls::Error;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::CertifiedKey;

use super::TlsError;
use crate::fs::secret_file::{self, Readers};
use crate::net::Validity;

/// Largest file with certificates that is read, in bytes.
const MAX_CERTIFICATE_BYTES: u64 = 1 << 20;

/// Largest file with a key that is read, in bytes.
const MAX_KEY_BYTES: usize = 64 << 10;

/// The files of a certificate and its key, both in PEM form.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The server's certificate, followed by those that lead to the root.
    pub certificate: PathBuf,
    /// Its key, unencrypted.
    pub key: PathBuf,
}

/// A certificate that the server can use.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    pub(super) key: Arc<CertifiedKey>,
    /// None if the certificate does not say it in a form that is understood.
    pub(super) validity: Option<Validity>,
}

/// What tells that one of the files was replaced or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp([Option<FileStamp>; 2]);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileStamp {
    modified: Option<SystemTime>,
    bytes: u64,
    inode: u64,
}

impl TlsFiles {
    /// Reads both files. Blocks.
    pub(super) fn read(&self) -> Result<Pair, TlsError> {
        let chain = self.read_chain()?;
        let validity = chain.first().and_then(|first| Validity::of(first));
        let key = self.read_key()?;
        let key = CertifiedKey::from_der(chain, key, &ring::default_provider());
        let key = key.map_err(|error| match error {
            Error::InconsistentKeys(_) => TlsError::Mismatch {
                certificate: self.certificate.clone(),
                key: self.key.clone(),
            },
            Error::InvalidCertificate(_) => self.bad_certificate(&error),
            _ => self.bad_key(&error),
        })?;
        Ok(Pair {
            key: Arc::new(key),
            validity,
        })
    }

    fn read_chain(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let text = read_public(&self.certificate).map_err(|error| self.bad_certificate(&error))?;
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
        let chain = chain.map_err(|error| self.bad_certificate(&error))?;
        if chain.is_empty() {
            return Err(self.bad_certificate(&"it holds no certificate in PEM form"));
        }
        Ok(chain)
    }

    fn read_key(&self) -> Result<PrivateKeyDer<'static>, TlsError> {
        let text = secret_file::read(&self.key, MAX_KEY_BYTES);
        let (text, readers) = text.map_err(|error| self.bad_key(&error))?;
        if readers == Readers::AllUsers {
            let path = self.key.display();
            tracing::warn!(%path, "every user of this machine or container can read the certificate's key");
        }
        // The parser's own error may repeat a part of the file.
        PrivateKeyDer::from_pem_slice(&text)
            .map_err(|_| self.bad_key(&"it holds no unencrypted private key in PEM form"))
    }

    fn bad_certificate(&self, problem: &dyn ToString) -> TlsError {
        TlsError::Certificate {
            path: self.certificate.clone(),
            problem: problem.to_string(),
        }
    }

    fn bad_key(&self, problem: &dyn ToString) -> TlsError {
        TlsError::Key {
            path: self.key.clone(),
            problem: problem.to_string(),
        }
    }

    /// What the files look like from outside. Blocks.
    pub(super) fn stamp(&self) -> Stamp {
        Stamp([stamp(&self.certificate), stamp(&self.key)])
    }
}

/// Reads a file that others may read. What it holds is shown to every client.
fn read_public(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let file = File::open(path)?;
    file.take(MAX_CERTIFICATE_BYTES).read_to_end(&mut text)?;
    Ok(text)
}

fn stamp(path: &Path) -> Option<FileStamp> {
    let metadata = fs::metadata(path).ok()?;
    Some(FileStamp {
        modified: metadata.modified().ok(),
        bytes: metadata.len(),
        inode: inode(&metadata),
    })
}

#[cfg(unix)]
fn inode(metadata: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
const fn inode(_: &fs::Metadata) -> u64 {
    0
}
