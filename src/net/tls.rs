//! TLS, with the certificates that the system trusts.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::{Stream, reason};

/// TLS over `stream` with a server whose certificate must be for `host`, a name or an address.
///
/// # Errors
/// Why not, for people.
pub async fn secure(stream: TcpStream, host: &str) -> Result<Box<dyn Stream>, String> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let name = match bare.parse::<IpAddr>() {
        Ok(address) => ServerName::from(address),
        Err(_) => ServerName::try_from(bare.to_owned())
            .map_err(|_| "its name cannot be in a certificate".to_owned())?,
    };
    let stream = TlsConnector::from(Arc::new(tls_config()?))
        .connect(name, stream)
        .await
        .map_err(|error| format!("TLS: {}", reason(&error)))?;
    Ok(Box::new(stream))
}

/// TLS with the system's root certificates, or those of `SSL_CERT_FILE` and `SSL_CERT_DIR`. Made only
/// when a connection needs it: reading the certificates takes longer than a call.
fn tls_config() -> Result<ClientConfig, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        let errors: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        return Err(format!(
            "no root certificates were found; set SSL_CERT_FILE {}",
            errors.join("; ")
        ));
    }
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
