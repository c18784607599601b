//! Where a server listens, and whether with TLS.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use url::Url;

use crate::cli::context::Context;
use crate::cli::error::{CommandError, Kind};
use crate::server::data_dir::DataDir;
use crate::server::{ListenAddress, Listener, Tls, TlsFiles};

/// Variable that says where to listen.
const VARIABLE: &str = "MESHAGENT_LISTEN";

/// Where a server listens by default.
const DEFAULT: &str = "127.0.0.1:7337";

/// Where a server listens, and whether with TLS.
#[derive(Debug, Args)]
pub(in crate::cli) struct ListenArgs {
    /// Address and port to listen on, or unix:PATH; repeatable; port 0 takes a free one [env: MESHAGENT_LISTEN] [default:
    /// 127.0.0.1:7337]
    #[arg(long, value_name = "ADDRESS")]
    listen: Vec<ListenAddress>,
    /// File with the certificate for TLS, in PEM form; read again when it changes
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// File with the certificate's key, in PEM form
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Listen without TLS on an address that other machines reach
    #[arg(long)]
    pub(in crate::cli) allow_plain_http: bool,
}

/// Where a server is to listen, checked.
#[derive(Debug)]
pub(in crate::cli) struct ListenPlan {
    addresses: Vec<ListenAddress>,
    tls: Option<Arc<Tls>>,
}

/// The listeners of a server.
#[derive(Debug)]
pub(in crate::cli) struct BoundListeners {
    pub(in crate::cli) listeners: Vec<Listener>,
    /// The address of each, in the order in which they were named: a URL, or that of a Unix socket.
    pub(in crate::cli) shown: Vec<String>,
    /// The base of URLs of requests to the first one.
    pub(in crate::cli) url: Url,
    pub(in crate::cli) tls: Option<Arc<Tls>>,
}

impl ListenArgs {
    /// Checks the addresses, and reads the certificate.
    pub(in crate::cli) fn resolve(self, context: &Context) -> anyhow::Result<ListenPlan> {
        let files = self.tls_cert.zip(self.tls_key);
        let files = files.map(|(certificate, key)| TlsFiles { certificate, key });
        let addresses = if self.listen.is_empty() {
            from_environment(context)?
        } else {
            self.listen
        };
        if files.is_none()
            && !self.allow_plain_http
            && let Some(public) = addresses.iter().find(|address| address.is_public())
        {
            return Err(CommandError::new(
                Kind::Usage,
                format!("{public} is reached by other machines, and without TLS they would speak plain http"),
            )
            .hint("give --tls-cert and --tls-key, listen on 127.0.0.1 behind a proxy with TLS, or insist with --allow-plain-http")
            .into());
        }
        let tls = files.map(Tls::load).transpose()?.map(Arc::new);
        Ok(ListenPlan { addresses, tls })
    }
}

/// The addresses that the environment names, else the default one.
fn from_environment(context: &Context) -> anyhow::Result<Vec<ListenAddress>> {
    let texts = context.environment.text(VARIABLE)?.unwrap_or(DEFAULT);
    let addresses: Result<_, _> = texts.split(',').map(str::parse).collect();
    Ok(addresses.map_err(|error| {
        CommandError::new(Kind::Usage, format!("{VARIABLE} cannot be used: {error}"))
            .hint("it has addresses with commas between them, like 127.0.0.1:7337,unix:/run/rooms.sock")
    })?)
}

impl ListenPlan {
    /// Whether TLS is spoken.
    pub(in crate::cli) const fn has_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Listens at the addresses, and at the Unix socket in the data directory.
    pub(in crate::cli) async fn bind(self, data_dir: &DataDir) -> anyhow::Result<BoundListeners> {
        let Self { addresses, tls } = self;
        let (mut listeners, mut shown, mut urls) = (Vec::new(), Vec::new(), Vec::new());
        for address in addresses {
            let listener = bind(&address, tls.as_ref()).await?;
            let url = url(&address, &listener, tls.is_some())?;
            shown.push(match address {
                ListenAddress::Unix(_) => address.to_string(),
                ListenAddress::Tcp(_) => url.as_str().trim_end_matches('/').to_owned(),
            });
            listeners.push(listener);
            urls.push(url);
        }
        listeners.extend(bind_local(data_dir).await);
        Ok(BoundListeners {
            listeners,
            shown,
            url: urls.into_iter().next().context("no address to listen on")?,
            tls,
        })
    }
}

async fn bind(address: &ListenAddress, tls: Option<&Arc<Tls>>) -> Result<Listener, CommandError> {
    let listener = Listener::bind(address).await.map_err(|error| {
        let hint = match address {
            ListenAddress::Tcp(_) => {
                "choose another port with --listen 127.0.0.1:PORT; port 0 takes a free one"
            }
            ListenAddress::Unix(_) => {
                "choose another path with --listen unix:PATH, in a directory that you may write to"
            }
        };
        CommandError::new(Kind::Failed, format!("cannot listen on {address}: {error}")).hint(hint)
    })?;
    Ok(match tls {
        Some(tls) => listener.with_tls(tls),
        None => listener,
    })
}

/// The base of URLs of requests.
fn url(address: &ListenAddress, listener: &Listener, tls: bool) -> anyhow::Result<Url> {
    let url = match (address, listener.tcp_address()) {
        (ListenAddress::Unix(address), _) => address.url(),
        (ListenAddress::Tcp(_), Some(address)) => {
            let scheme = if tls { "https" } else { "http" };
            Url::parse(&format!("{scheme}://{address}/")).ok()
        }
        (ListenAddress::Tcp(_), None) => None,
    };
    url.with_context(|| format!("the address {address} is in no URL"))
}

/// Listens at the Unix socket for local commands. Where there can be none, they use the first of the other addresses.
async fn bind_local(data_dir: &DataDir) -> Option<Listener> {
    let address = ListenAddress::Unix(data_dir.socket_address()?);
    match Listener::bind(&address).await {
        Ok(listener) => Some(listener),
        Err(error) => {
            tracing::warn!(%address, %error, "commands with --local use the first address: there is no Unix socket for them");
            None
        }
    }
}
