//! The flag of `room serve` for the listener of metrics.

use std::net::SocketAddr;

use anyhow::Context as _;
use clap::Args;
use tokio::net::TcpListener;

use crate::cli::error::{CommandError, Kind};
use crate::cli::ui::log;
use crate::server::Server;

/// Where metrics are served.
#[derive(Debug, Args)]
pub(in crate::cli) struct MetricsArgs {
    /// Address and port on which GET /metrics answers with metrics for Prometheus, like 127.0.0.1:9337 [default: none]
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,
}

/// The listener of metrics, if one is asked for.
#[derive(Debug)]
pub(in crate::cli) struct MetricsListener(Option<TcpListener>);

impl MetricsArgs {
    /// Listens. `allow_plain_http` says whether other machines may reach the address, for there is no TLS.
    pub(in crate::cli) async fn listen(&self, allow_plain_http: bool) -> anyhow::Result<MetricsListener> {
        let Some(address) = self.metrics else {
            return Ok(MetricsListener(None));
        };
        if !address.ip().is_loopback() && !allow_plain_http {
            return Err(CommandError::new(
                Kind::Usage,
                format!(
                    "metrics at {address} are reached by other machines, and metrics are served by plain http"
                ),
            )
            .hint(
                "give --metrics a loopback address such as 127.0.0.1:9337, or insist with --allow-plain-http",
            )
            .into());
        }
        let listener = TcpListener::bind(address).await.map_err(|error| {
            CommandError::new(
                Kind::Failed,
                format!("cannot listen on {address} for metrics: {error}"),
            )
            .hint("choose another port with --metrics 127.0.0.1:PORT; port 0 takes a free one")
        })?;
        let address = listener.local_addr().context("the address of metrics is odd")?;
        tracing::info!(url = %format_args!("http://{address}/metrics"), "serving metrics");
        Ok(MetricsListener(Some(listener)))
    }
}

impl MetricsListener {
    /// Serves the metrics of `server` until it is closed.
    pub(in crate::cli) async fn serve(self, server: &Server) {
        if let Some(listener) = self.0 {
            server.serve_metrics(listener, log::dropped_lines).await;
        }
    }
}
