//! Why a certificate and its key cannot be used.

use std::path::PathBuf;

/// Why a certificate and its key cannot be used. No variant holds a part of the key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The file with the certificate cannot be used.
    #[error("the certificate {path} cannot be used: {problem}")]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The file with the key cannot be used.
    #[error("the key {path} cannot be used: {problem}")]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The key is not the certificate's.
    #[error("the key {key} is not that of the certificate {certificate}")]
    Mismatch {
        /// The file with the certificate.
        certificate: PathBuf,
        /// The file with the key.
        key: PathBuf,
    },
}

impl TlsError {
    /// What to do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Certificate { .. } => {
                "--tls-cert names a PEM file: the server's certificate first, then those that lead to the root"
            }
            Self::Key { .. } => {
                "--tls-key names a PEM file with the unencrypted key, which is yours and of mode 0600, or a secret that the container platform mounts"
            }
            Self::Mismatch { .. } => {
                "the server's certificate comes first in its file; give the key that it was made for"
            }
        }
    }
}
