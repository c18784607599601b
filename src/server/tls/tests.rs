//! Tests of the certificate's files.

use std::fs;
use std::path::Path;

use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;

use super::*;
use crate::fs::{Existing, write_atomic};

struct Files {
    directory: TempDir,
    files: TlsFiles,
}

impl Files {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let files = TlsFiles {
            certificate: directory.path().join("cert.pem"),
            key: directory.path().join("key.pem"),
        };
        let files = Self { directory, files };
        files.renew();
        files
    }

    /// Replaces both files.
    fn renew(&self) {
        let (certificate, key) = pair();
        write(&self.files.certificate, &certificate);
        write(&self.files.key, &key);
    }

    fn problem(&self) -> String {
        Tls::load(self.files.clone()).unwrap_err().to_string()
    }
}

fn pair() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let parameters = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let certificate = parameters.self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_pem())
}

fn write(path: &Path, text: &str) {
    write_atomic(path, text.as_bytes(), Existing::Replace).unwrap();
}

fn used(tls: &Tls) -> Vec<u8> {
    tls.current.pair().key.cert[0].to_vec()
}

#[test]
fn files_that_cannot_be_used_are_named_and_not_repeated() {
    let files = Files::new();
    let (_, other_key) = pair();
    write(&files.files.key, &other_key);
    assert!(files.problem().contains("is not that of the certificate"));
    let canary = "-----BEGIN PRIVATE KEY-----\ncanary!\n-----END PRIVATE KEY-----\n";
    for text in ["", "canary", canary] {
        write(&files.files.key, text);
        let problem = files.problem();
        assert!(
            problem.contains("key.pem cannot be used: it holds no"),
            "{problem}"
        );
        assert!(!problem.contains("canary"), "{problem}");
    }
    let (_, key) = pair();
    write(&files.files.key, &key);
    write(&files.files.certificate, &key);
    assert!(files.problem().contains("cert.pem cannot be used: it holds no"));
    fs::remove_file(&files.files.certificate).unwrap();
    assert!(files.problem().contains("cert.pem cannot be used: "));
}

#[cfg(unix)]
#[test]
fn a_key_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let files = Files::new();
    fs::set_permissions(&files.files.key, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(files.problem().contains("other users have access to it"));
}

#[test]
fn a_changed_pair_is_used_and_a_bad_one_is_not() {
    let files = Files::new();
    let tls = Tls::load(files.files.clone()).unwrap();
    let first = used(&tls);
    assert!(!tls.read_again(false));
    files.renew();
    assert!(tls.read_again(false));
    let second = used(&tls);
    assert_ne!(first, second);
    write(&files.files.certificate, "nothing");
    assert!(!tls.read_again(false));
    fs::remove_file(&files.files.key).unwrap();
    assert!(!tls.read_again(false));
    assert_eq!(used(&tls), second);
    files.renew();
    assert!(tls.read_again(false));
    let third = used(&tls);
    assert_ne!(second, third);
    assert!(tls.read_again(true));
    assert_eq!(used(&tls), third);
    assert!(files.directory.path().exists());
}
