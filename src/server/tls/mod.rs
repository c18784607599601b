//! TLS of the server: a certificate and its key in files, which are read again when they change. Above `fs` and
//! `net`.

mod error;
mod pair;
#[cfg(test)]
mod tests;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_util::sync::CancellationToken;

pub use self::error::TlsError;
pub use self::pair::TlsFiles;
use self::pair::{Pair, Stamp};
use crate::clock;
use crate::net::Validity;

/// Time between two looks at the files.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Time between two warnings that the certificate expires.
const WARNING_INTERVAL: Duration = Duration::from_hours(24);

/// The server's side of TLS 1.2 and 1.3. Connections that are open keep the certificate that they began with.
#[derive(Debug)]
pub struct Tls {
    files: TlsFiles,
    current: Arc<Current>,
    /// The files when they were read last, whether the certificate could be used or not.
    stamp: RwLock<Stamp>,
    reload: Notify,
    /// Told when a requested reading is done.
    reloaded: Notify,
    config: Arc<ServerConfig>,
}

/// The certificate for the next connection.
#[derive(Debug)]
struct Current(RwLock<Pair>);

impl Current {
    fn pair(&self) -> Pair {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.pair().key)
    }
}

impl Tls {
    /// Reads the certificate and its key. Blocks.
    ///
    /// # Errors
    /// What is wrong with the files. The key's file must be the user's own and of mode 0600 or stricter, or be laid out
    /// as [`secret_file`](crate::fs::secret_file) allows.
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let stamp = files.stamp();
        let current = Arc::new(Current(RwLock::new(files.read()?)));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions();
        let config = config.map_err(|error| TlsError::Key {
            path: files.key.clone(),
            problem: error.to_string(),
        })?;
        let mut config = config
            .with_no_client_auth()
            .with_cert_resolver(Arc::<Current>::clone(&current));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            files,
            current,
            stamp: RwLock::new(stamp),
            reload: Notify::new(),
            reloaded: Notify::new(),
            config: Arc::new(config),
        })
    }

    /// Has the files read again, although they look as they were, and waits until that is done. The server must be
    /// running.
    pub async fn reload(&self) {
        let reloaded = self.reloaded.notified();
        self.reload.notify_one();
        reloaded.await;
    }

    /// Accepts handshakes.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config))
    }

    /// Reads the files again when they have changed or [`Tls::reload`] was called, and warns of a certificate
    /// that expires soon, until `stop` is cancelled.
    pub(super) async fn follow(self: &Arc<Self>, stop: CancellationToken) {
        let mut looks = interval(LOOK_INTERVAL);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut warnings = interval(WARNING_INTERVAL);
        loop {
            let is_requested = tokio::select! {
                () = stop.cancelled() => return,
                _ = warnings.tick() => {
                    warn_of_expiry(self.current.pair().validity, clock::now());
                    continue;
                }
                _ = looks.tick() => false,
                () = self.reload.notified() => true,
            };
            let tls = Arc::clone(self);
            match spawn_blocking(move || tls.read_again(is_requested)).await {
                Ok(true) => warnings.reset_immediately(),
                Ok(false) => {}
                Err(error) => tracing::error!(%error, "the TLS certificate was not read again"),
            }
            if is_requested {
                self.reloaded.notify_waiters();
            }
        }
    }

    /// Reads the files, if they have changed or `always`, and uses what they hold if that is a certificate and its
    /// key. True if it is used. Blocks.
    fn read_again(&self, always: bool) -> bool {
        // Before the files are read: a change meanwhile is seen the next time.
        let stamp = self.files.stamp();
        let before = {
            let mut known = self.stamp.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *known, stamp)
        };
        if before == stamp && !always {
            return false;
        }
        match self.files.read() {
            Ok(pair) => {
                let mut current = self.current.0.write().unwrap_or_else(PoisonError::into_inner);
                *current = pair;
                tracing::info!("the TLS certificate was read again");
                true
            }
            Err(error) => {
                tracing::error!(%error, "the TLS certificate was not read again: the one before stays in use");
                false
            }
        }
    }
}

fn warn_of_expiry(validity: Option<Validity>, now: u64) {
    let Some(validity) = validity else {
        return;
    };
    let remaining = validity.remaining(now);
    if remaining.is_zero() {
        tracing::warn!("the TLS certificate has expired: clients refuse it");
    } else if validity.expires_soon(now) {
        let hours = remaining.as_secs() / 3600;
        tracing::warn!(hours, "the TLS certificate expires soon");
    }
}
