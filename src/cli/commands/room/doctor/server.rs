//! The server that runs on the data directory.

use std::time::Duration;

use reqwest::header::SERVER;
use reqwest::{Method, Request, StatusCode};
use serde_json::Value;
use url::Url;

use super::network::certificate;
use super::report::Report;
use crate::cli::context::Context;
use crate::clock;
use crate::net::{HttpClient, HttpResponse, NetError, TimeLimits, authority};
use crate::room::RoomError;
use crate::server::data_dir::{DataDir, DataDirInspection};

/// Time for each request.
pub(super) const LIMITS: TimeLimits = TimeLimits {
    connect: Duration::from_secs(5),
    answer: Duration::from_secs(5),
};

/// This program's version.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Variable of `client.env` that holds the server's address.
const API_URL_VARIABLE: &str = "MESHAGENT_API_URL";

/// Largest answer that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 64 << 10;

/// Longest part of an answer that is shown, in characters.
const MAX_SHOWN_CHARS: usize = 200;

pub(super) async fn check(context: &Context, directory: &DataDirInspection, report: &mut Report) {
    const CHECK: &str = "server.running";
    client_env(directory, report);
    if !directory.is_served {
        report.ok(CHECK, "no server runs on the data directory");
        return;
    }
    let Some(base) = &directory.local_address else {
        report.warning(
            CHECK,
            "a server runs on the data directory and has not said where it listens",
            "wait a moment: it is starting or stopping. If it stays so, stop it",
        );
        return;
    };
    report.ok(
        CHECK,
        format!("a server runs, which {} leads to", authority(base)),
    );
    let http = HttpClient::new(|name| context.environment.get(name).map(Into::into), LIMITS);
    match get(&http, base, "healthz").await {
        Ok(healthy) => {
            status("server.healthz", &healthy, report);
            version(&healthy, report);
        }
        Err(error) => {
            report.error("server.healthz", RoomError::from(error));
            return;
        }
    }
    match get(&http, base, "readyz").await {
        Ok(ready) => status("server.readyz", &ready, report),
        Err(error) => report.error("server.readyz", RoomError::from(error)),
    }
    tls(&http, directory, report).await;
}

/// The certificate, as a client sees it that has the settings of `client.env`.
async fn tls(http: &HttpClient, directory: &DataDirInspection, report: &mut Report) {
    const CHECK: &str = "server.certificate";
    let variables = DataDir::read_client_env(&directory.path).unwrap_or_default();
    let found = variables.iter().find(|(name, _)| name == API_URL_VARIABLE);
    let url = found.and_then(|(_, url)| Url::parse(url.expose()).ok());
    let Some(url) = url.filter(|url| url.scheme() == "https") else {
        return;
    };
    match get(http, &url, "healthz").await {
        Ok(answer) => {
            if let Some(validity) = answer.certificate {
                certificate(CHECK, validity, clock::now(), report);
            }
        }
        Err(error) => report.warning(
            CHECK,
            format!("clients on this machine do not reach the server: {error}"),
            "name the certificate's authority in SSL_CERT_FILE; --public-url of the server is an address that the certificate is for",
        ),
    }
}

async fn get(http: &HttpClient, base: &Url, path: &str) -> Result<HttpResponse, NetError> {
    let mut url = base.clone();
    url.set_path(path);
    http.send(Request::new(Method::GET, url), MAX_ANSWER_BYTES).await
}

fn status(check: &'static str, answer: &HttpResponse, report: &mut Report) {
    if answer.status == StatusCode::OK {
        report.ok(check, "it answers 200");
        return;
    }
    let said = serde_json::from_slice::<Value>(&answer.body).ok();
    let reason = said.as_ref().and_then(|said| said.get("reason")?.as_str());
    let reason: String = reason
        .unwrap_or("no reason was given")
        .chars()
        .take(MAX_SHOWN_CHARS)
        .collect();
    report.problem(
        check,
        format!("it answers {}: {reason}", answer.status.as_u16()),
        "look at the server's log",
    );
}

/// The server's version, which it tells over its Unix socket alone.
fn version(answer: &HttpResponse, report: &mut Report) {
    const CHECK: &str = "server.version";
    let name = answer.headers.get(SERVER).and_then(|name| name.to_str().ok());
    match name.and_then(|name| name.strip_prefix("meshagent/")) {
        Some(VERSION) => report.ok(CHECK, "it is this version"),
        Some(version) => report.warning(
            CHECK,
            format!("it is version {version}, and this program another"),
            "start the server again with the program that is installed",
        ),
        None => report.ok(
            CHECK,
            "it is not known: the server is not reached over its Unix socket",
        ),
    }
}

/// The file that clients on this machine take their settings from.
fn client_env(directory: &DataDirInspection, report: &mut Report) {
    const CHECK: &str = "server.client-env";
    match DataDir::read_client_env(&directory.path) {
        Ok(variables) => {
            let names: Vec<&str> = variables.iter().map(|(name, _)| name.as_str()).collect();
            report.ok(CHECK, format!("client.env has {}", names.join(", ")));
        }
        Err(error) if error.is_not_found() => report.ok(CHECK, "no server has written client.env yet"),
        Err(error) => report.error(CHECK, error),
    }
}
