//! `meshagent room serve`

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use url::Url;

use crate::cli::args::audit::AuditArgs;
use crate::cli::args::duration::parse_seconds;
use crate::cli::args::listen::{BoundListeners, ListenArgs};
use crate::cli::args::log_format::LogArgs;
use crate::cli::args::metrics::MetricsArgs;
use crate::cli::args::server_limits::LimitArgs;
use crate::cli::args::store_key::{KeyArgs, warn_of};
use crate::cli::args::token_endpoints::TokenEndpointArgs;
use crate::cli::context::Context;
use crate::cli::error::{CommandError, Interrupted, Kind, Outcome};
use crate::cli::process::{self, Interruptions, service_manager};
use crate::sensitive::SensitiveText;
use crate::server::data_dir::{API_KEY_VARIABLE, DataDir};
use crate::server::store::{SqliteStore, StoreOptions};
use crate::server::{Server, ServerConfig, ServerKeys, Tls};
use crate::token::ApiKey;
use crate::wire::Identity;

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  Serve rooms on this machine, and use them from another shell:
    $ meshagent room serve
    $ set -a; . ~/.local/share/meshagent/client.env; set +a
    $ meshagent room secret list --room demo

  For other machines, with TLS:
    $ meshagent room serve --listen 192.0.2.7:7337 \\
        --tls-cert fullchain.pem --tls-key key.pem

  Behind a proxy with TLS that is reached as rooms.example.com:
    $ meshagent room serve \\
        --public-url https://rooms.example.com --allow-host rooms.example.com";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct ServeArgs {
    #[command(flatten)]
    listen: ListenArgs,
    /// Where the secrets are kept [env: MESHAGENT_DATA_DIR]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Answer requests that are made to this host name too
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<String>,
    /// Answer web pages of this origin, like https://app.example
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,
    /// Address that clients are told, where a proxy with TLS stands before this server
    #[arg(long, value_name = "URL")]
    public_url: Option<Url>,
    /// Time between the request to stop, from which /readyz says so, and the end of service [default: none]
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    shutdown_delay: Option<Duration>,
    #[command(flatten)]
    metrics: MetricsArgs,
    #[command(flatten)]
    pub(super) log: LogArgs,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    token_endpoints: TokenEndpointArgs,
    #[command(flatten)]
    audit: AuditArgs,
    #[command(flatten)]
    limits: Box<LimitArgs>,
}

pub(super) async fn run(context: &Context, args: ServeArgs) -> anyhow::Result<Outcome> {
    let allow_plain_http = args.listen.allow_plain_http;
    let listen = args.listen.resolve(context)?;
    args.limits.check()?;
    let metrics = args.metrics.listen(allow_plain_http).await?;
    let path = match args.data_dir {
        Some(path) => path,
        None => context.environment.data_dir()?,
    };
    let key_source = args.key.resolve(context)?;
    let token_endpoints = args.token_endpoints.resolve(context)?;
    let owner = owner(context)?;
    // Before files are opened, which count.
    let owner_limits = args.limits.of_owners();
    let limits = args.limits.resolve();
    let data_dir = DataDir::open_to_serve(&path)?;
    warn_of(&key_source, &context.ui);
    let store = SqliteStore::open_with(
        &data_dir,
        &key_source,
        StoreOptions {
            limits: owner_limits,
            audit: args.audit.mode(),
        },
    )?;
    store.start_threads()?;
    let store = Arc::new(store);
    let keys = ServerKeys::load(Arc::<SqliteStore>::clone(&store)).await?;
    // The one that the certificate is for, where it is this server's own.
    let told = args.public_url.clone().filter(|_| listen.has_tls());
    let config = ServerConfig {
        limits,
        allowed_hosts: args.allow_host,
        allowed_origins: args.allow_origin,
        public_url: args.public_url,
        audit_keep: args.audit.keep(),
        token_endpoints,
    };
    let BoundListeners {
        listeners,
        shown,
        url,
        tls,
    } = listen.bind(&data_dir).await?;
    let api_key = keys.ring().current().clone();
    let server = Server::new(config, keys, owner.clone(), store);
    // Signals are handled from here on: a caller that read the address can stop the server.
    let signals = Interruptions::hear()?;
    let first = shown.first().map_or("", String::as_str);
    let client_env = client_env(told.as_ref().map_or(first, Url::as_str), &api_key, &owner);
    let named: Vec<_> = client_env.iter().map(|(name, value)| (*name, value)).collect();
    data_dir.publish(&url, &named)?;
    context.ui.answer_line(&shown.join("\n")).await?;
    tracing::info!(listen = shown.join(" "), data_dir = %data_dir.path().display(), "serving rooms");
    let status = format!("Serving rooms at {}", shown.join(" "));
    service_manager::ready(&status);
    let stopped = async {
        // Awaited outside of the macro: it evaluates its arguments only where the level is logged.
        let interruption = stop_signal(signals, tls.as_deref(), &status).await;
        tracing::info!("{interruption}");
        service_manager::stopping();
        // Before a client can learn of the first signal.
        let second = process::interruption();
        server.announce_stop();
        if let (Some(delay), Ok(second)) = (args.shutdown_delay, second) {
            tracing::info!(
                seconds = delay.as_secs(),
                "still serving; a second signal ends that"
            );
            tokio::select! {
                () = tokio::time::sleep(delay) => {}
                _ = second => {}
            }
        }
        // Who comes now waits for the directory instead of being sent to a server that is stopping.
        data_dir.withdraw();
    };
    tokio::select! {
        _ = async { tokio::join!(server.run(listeners, stopped), metrics.serve(&server)) } => {}
        () = service_manager::watch(async || server.check_store().await) => {}
        () = process::return_freed_memory() => {}
    }
    tracing::info!("stopped");
    Ok(Outcome::Done)
}

/// Waits for a signal to stop. With TLS, SIGHUP has the certificate read again.
async fn stop_signal(mut signals: Interruptions, tls: Option<&Tls>, status: &str) -> Interrupted {
    loop {
        match (signals.next().await, tls) {
            #[cfg(unix)]
            (Interrupted::HungUp, Some(tls)) => {
                service_manager::reloading();
                tls.reload().await;
                service_manager::ready(status);
            }
            (interruption, _) => return interruption,
        }
    }
}

/// What a client needs to reach this server. The owner's name lets it sign tokens itself, and is left out if a shell would
/// not take it literally: clients make the connect call then.
fn client_env(url: &str, api_key: &ApiKey, owner: &Identity) -> Vec<(&'static str, SensitiveText)> {
    let mut variables = vec![
        ("MESHAGENT_API_URL", url.into()),
        (API_KEY_VARIABLE, api_key.text()),
        ("MESHAGENT_PROJECT_ID", api_key.project_id().to_string().into()),
    ];
    if DataDir::is_plain_value(owner.as_str()) {
        variables.push(("MESHAGENT_SERVER_OWNER", owner.as_str().into()));
    }
    variables
}

/// The identity that owns what is stored with the API key is the one that runs the server.
fn owner(context: &Context) -> anyhow::Result<Identity> {
    let name = context.environment.user_name();
    let name = name.ok_or_else(|| {
        CommandError::new(Kind::Failed, "your user name is not known").hint("set USER to the owner's name")
    })?;
    Ok(Identity::new(name)?)
}
