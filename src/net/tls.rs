//! TLS, with the certificates that the system trusts.

use std::env::split_paths;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use rustls_native_certs::{CertificateResult, Error, ErrorKind, load_certs_from_paths, load_native_certs};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::NetError;

/// Where root certificates are from: `SSL_CERT_FILE` and `SSL_CERT_DIR`, else the system.
#[derive(Debug)]
pub(super) struct Tls {
    file: Option<PathBuf>,
    directories: Option<OsString>,
    trusting: OnceLock<ClientConfig>,
}

impl Tls {
    pub(super) fn read(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        Self {
            file: variable("SSL_CERT_FILE").map(PathBuf::from),
            directories: variable("SSL_CERT_DIR"),
            trusting: OnceLock::new(),
        }
    }

    /// Trusts the root certificates, which are read the first time.
    pub(super) fn trusting(&self) -> Result<ClientConfig, NetError> {
        if let Some(config) = self.trusting.get() {
            return Ok(config.clone());
        }
        let config = config(self.roots().map_err(NetError::Tls)?)?;
        Ok(self.trusting.get_or_init(|| config).clone())
    }

    fn roots(&self) -> Result<RootCertStore, String> {
        let certificates = self.certificates()?;
        let mut roots = RootCertStore::empty();
        let (added, _) = roots.add_parsable_certificates(certificates);
        if added == 0 {
            return Err("none of the root certificates can be used".to_owned());
        }
        Ok(roots)
    }

    fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, String> {
        if self.file.is_none() && self.directories.is_none() {
            return some_of(
                load_native_certs(),
                "no root certificates were found; set SSL_CERT_FILE",
            );
        }
        let mut certificates = Vec::new();
        if let Some(file) = &self.file {
            let found = load_certs_from_paths(Some(file), None);
            let none = "it holds no certificate in PEM form";
            certificates.extend(some_of(found, none).map_err(|problem| format!("SSL_CERT_FILE: {problem}"))?);
        }
        // A list of directories may name some that are not on every machine.
        let mut all = CertificateResult::default();
        for directory in self.directories.iter().flat_map(split_paths) {
            let found = load_certs_from_paths(None, Some(&directory));
            all.certs.extend(found.certs);
            all.errors.extend(found.errors);
        }
        match some_of(all, "it names no directory with certificates") {
            Ok(found) => certificates.extend(found),
            Err(problem) if self.file.is_none() => return Err(format!("SSL_CERT_DIR: {problem}")),
            Err(_) => {}
        }
        Ok(certificates)
    }
}

/// The certificates that were found, else what was wrong first, else `none`.
fn some_of(found: CertificateResult, none: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    if !found.certs.is_empty() {
        return Ok(found.certs);
    }
    Err(match found.errors.first() {
        Some(Error {
            kind: ErrorKind::Io { inner, path },
            ..
        }) => format!("{}: {inner}", path.display()),
        Some(error) => error.to_string(),
        None => none.to_owned(),
    })
}

/// Trusts no certificate and reads nothing: for servers without TLS.
pub(super) fn trusting_none() -> Result<ClientConfig, NetError> {
    config(RootCertStore::empty())
}

fn config(roots: RootCertStore) -> Result<ClientConfig, NetError> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| NetError::Tls(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(variables: &[(&str, &str)]) -> String {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        };
        Tls::read(variable).trusting().unwrap_err().to_string()
    }

    #[test]
    fn a_root_certificate_file_that_cannot_be_read_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("missing.pem");
        let (here, missing) = (directory.path().to_str().unwrap(), missing.to_str().unwrap());
        let said = problem(&[("SSL_CERT_FILE", missing), ("SSL_CERT_DIR", "/etc/ssl/certs")]);
        assert!(said.contains(&format!("SSL_CERT_FILE: {missing}: ")), "{said}");
        let said = problem(&[("SSL_CERT_DIR", missing)]);
        assert!(said.contains(&format!("SSL_CERT_DIR: {missing}: ")), "{said}");
        let said = problem(&[("SSL_CERT_DIR", here)]);
        assert!(
            said.contains("SSL_CERT_DIR: it names no directory with"),
            "{said}"
        );
    }

    #[test]
    fn a_root_certificate_file_without_certificates_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let said = problem(&[("SSL_CERT_FILE", file.path().to_str().unwrap())]);
        assert!(said.contains("SSL_CERT_FILE: it holds no certificate"), "{said}");
    }
}
