//! `meshagent room health`

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use reqwest::{Method, Request, StatusCode};
use serde::Deserialize;
use tokio::task::spawn_blocking;
use url::Url;

use crate::cli::args::duration::parse_seconds;
use crate::cli::context::Context;
use crate::cli::error::{CommandError, Kind, Outcome};
use crate::cli::ui::text::escape;
use crate::net::authority;
use crate::server::data_dir::DataDir;

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  The server on this machine, as a container's health check asks:
    $ meshagent room health

  Whether another one can be sent clients:
    $ meshagent room health https://rooms.example.com";

/// Most bytes of an answer that are read.
const MAX_ANSWER_BYTES: usize = 4 << 10;

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct HealthArgs {
    /// Address of the server [default: of the one that serves the data directory]
    #[arg(value_name = "URL")]
    url: Option<Url>,
    /// Where the server's secrets are kept [env: MESHAGENT_DATA_DIR]
    #[arg(long, value_name = "DIR", conflicts_with = "url")]
    data_dir: Option<PathBuf>,
    /// Ask only whether it answers (/healthz), and not whether it is ready (/readyz)
    #[arg(long)]
    live: bool,
    /// Time for the answer
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds, default_value = "5")]
    timeout: Duration,
}

/// The body of `/readyz`.
#[derive(Debug, Deserialize)]
struct Readiness {
    reason: Option<String>,
}

/// Succeeds if the server is healthy. Any other end is exit code 1, which is what Docker's health checks know.
pub(super) async fn run(context: &Context, args: HealthArgs) -> anyhow::Result<Outcome> {
    let base = match args.url {
        Some(url) => url,
        None => served(context, args.data_dir).await?,
    };
    let (path, healthy) = if args.live {
        ("healthz", "alive")
    } else {
        ("readyz", "ready")
    };
    let server = escape(&authority(&base));
    let unhealthy =
        |reason: &str| CommandError::new(Kind::Failed, format!("{server} is not {healthy}: {reason}"));
    let url = base
        .join(path)
        .map_err(|_| unhealthy("its address cannot be used"))?;
    let asking = context
        .http
        .send(Request::new(Method::GET, url), MAX_ANSWER_BYTES);
    let answer = match tokio::time::timeout(args.timeout, asking).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return Err(unhealthy(&error.to_string()).into()),
        Err(_) => return Err(unhealthy(&format!("no answer within {} s", args.timeout.as_secs())).into()),
    };
    if answer.status != StatusCode::OK {
        let body: Option<Readiness> = serde_json::from_slice(&answer.body).ok();
        let reason = body.and_then(|body| body.reason);
        let reason = reason.unwrap_or_else(|| format!("HTTP status {}", answer.status.as_u16()));
        return Err(unhealthy(&escape(&reason)).into());
    }
    context.ui.answer_line(healthy).await?;
    Ok(Outcome::Done)
}

/// The address of the server that serves the data directory.
async fn served(context: &Context, data_dir: Option<PathBuf>) -> anyhow::Result<Url> {
    let path = match data_dir {
        Some(path) => path,
        None => context.environment.data_dir()?,
    };
    let directory = path.clone();
    let url = spawn_blocking(move || DataDir::served_at(&directory)).await?;
    Ok(url.ok_or_else(|| not_served(&path))?)
}

fn not_served(path: &Path) -> CommandError {
    CommandError::new(Kind::Failed, format!("no server serves {}", path.display()))
        .hint("start one with `meshagent room serve`, or name its address or its --data-dir")
}
