//! A certificate authority of the test's own.

use std::fs::{self, File};
use std::io::Write;
use std::net::TcpStream;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd,
};
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, StreamOwned, SupportedProtocolVersion,
};

/// The year until which certificates are valid.
const LAST_YEAR: i32 = 4096;

/// A client's connection with TLS.
pub(crate) type TlsConnection = StreamOwned<ClientConnection, TcpStream>;

/// A certificate authority that nobody trusts who was not told to.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap())
    }

    /// Its certificate, as `SSL_CERT_FILE` has it.
    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// TLS with a certificate for `name`.
    pub(crate) fn server(&self, name: &str) -> Arc<ServerConfig> {
        let (certificate, key) = self.pair(name, LAST_YEAR);
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key);
        Arc::new(config.unwrap())
    }

    fn pair(&self, name: &str, last_year: i32) -> (Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new([name.to_owned()]).unwrap();
        parameters.not_after = date_time_ymd(last_year, 1, 1);
        (parameters.signed_by(&key, &self.0).unwrap(), key)
    }

    /// Writes a new certificate for `name` and its key (0600) as `room serve` reads them, each file being replaced.
    pub(crate) fn write_pair(&self, name: &str, certificate: &Path, key: &Path) {
        self.write_pair_until(LAST_YEAR, name, certificate, key);
    }

    /// As [`Authority::write_pair`], of a certificate that is valid until the beginning of `last_year`.
    pub(crate) fn write_pair_until(&self, last_year: i32, name: &str, certificate: &Path, key: &Path) {
        let (made, made_key) = self.pair(name, last_year);
        for (path, text) in [(certificate, made.pem()), (key, made_key.serialize_pem())] {
            let new = path.with_extension("new");
            let mut file = File::options()
                .create_new(true)
                .write(true)
                .mode(0o600)
                .open(&new)
                .unwrap();
            file.write_all(text.as_bytes()).unwrap();
            fs::rename(&new, path).unwrap();
        }
    }

    /// Connects to a server that this authority's certificate is shown by, with one version of TLS.
    pub(crate) fn connect(&self, address: &str, version: &'static SupportedProtocolVersion) -> TlsConnection {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots);
        let mut config = config.with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        while client.is_handshaking() {
            client.complete_io(&mut stream).unwrap();
        }
        StreamOwned::new(client, stream)
    }
}
