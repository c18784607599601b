//! The way to the server of the client's settings: proxies, TLS, and its clock.

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::DATE;
use reqwest::{Method, Request};

use super::report::Report;
use super::server::LIMITS;
use crate::cli::context::Context;
use crate::cli::ui::text::time;
use crate::clock;
use crate::net::{HttpClient, HttpResponse, Validity};
use crate::room::RoomError;
use crate::settings::{AccountSettings, DEFAULT_API_URL};

/// Variables that say how servers are reached. Each proxy variable may be in lower case.
const VARIABLES: [&str; 10] = [
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// Difference of clocks that tokens allow, in seconds.
const TOKEN_LEEWAY: u64 = 30;

/// Difference of clocks that is worth a warning, in seconds.
const NOTABLE_SKEW: u64 = 5;

/// Largest answer that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 1 << 20;

pub(super) async fn check(context: &Context, account: Option<&AccountSettings>, report: &mut Report) {
    let set: Vec<&str> = VARIABLES
        .into_iter()
        .filter(|name| context.environment.get(name).is_some())
        .collect();
    if set.is_empty() {
        report.ok(
            "network.variables",
            "no variable for proxies or certificates is set",
        );
    } else {
        report.ok("network.variables", format!("set: {}", set.join(", ")));
    }
    let Some(account) = account.filter(|account| account.local.is_none()) else {
        return;
    };
    if account.credential.is_none() && account.api.as_str() == DEFAULT_API_URL {
        report.ok("network.api", "not asked: there is no credential for it");
        return;
    }
    ask(context, account, report).await;
}

async fn ask(context: &Context, account: &AccountSettings, report: &mut Report) {
    let http = HttpClient::new(|name| context.environment.get(name).map(Into::into), LIMITS);
    let url = account.api.health();
    match http.proxy_for(&url) {
        Ok(Some(proxy)) => report.ok("network.proxy", format!("the API is reached through {proxy}")),
        Ok(None) => report.ok("network.proxy", "the API is reached without a proxy"),
        Err(error) => {
            report.error("network.proxy", RoomError::from(error));
            return;
        }
    }
    match http.send(Request::new(Method::GET, url), MAX_ANSWER_BYTES).await {
        Ok(answer) => {
            report.ok(
                "network.api",
                format!("the API answers ({})", answer.status.as_u16()),
            );
            if let Some(validity) = answer.certificate {
                certificate("network.certificate", validity, clock::now(), report);
            }
            if let Some(server) = date(&answer) {
                skew(server, clock::now(), report);
            }
        }
        Err(error) => report.error("network.api", RoomError::from(error)),
    }
}

/// How long a certificate that was accepted is valid.
pub(super) fn certificate(check: &'static str, validity: Validity, now: u64, report: &mut Report) {
    let text = format!("the certificate is valid until {}", time(validity.not_after));
    if validity.expires_soon(now) {
        report.warning(check, text, "have the certificate renewed");
    } else {
        report.ok(check, text);
    }
}

/// The server's clock, in seconds since 1970 (RFC 9110, section 6.6.1).
fn date(answer: &HttpResponse) -> Option<u64> {
    let text = answer.headers.get(DATE)?.to_str().ok()?;
    let timestamp: Timestamp = DateTimeParser::new().parse_timestamp(text).ok()?;
    u64::try_from(timestamp.as_second()).ok()
}

fn skew(server: u64, now: u64, report: &mut Report) {
    const CHECK: &str = "network.clock";
    let difference = server.abs_diff(now);
    let text = format!("this machine's clock and the API's differ by {difference} s");
    let hint = "set the clock that is wrong, as by NTP";
    if difference > TOKEN_LEEWAY {
        report.problem(CHECK, format!("{text}: tokens may be refused"), hint);
    } else if difference > NOTABLE_SKEW {
        report.warning(CHECK, text, hint);
    } else {
        report.ok(CHECK, text);
    }
}
