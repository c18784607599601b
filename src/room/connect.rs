//! The connect call: gets a participant token and the room's address for a credential (protocol, "Getting in").

use std::time::Instant;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Request, StatusCode};
use url::Url;

use super::{RoomError, backoff};
use crate::net::{HttpClient, NetError, authority, bearer};
use crate::sensitive::SensitiveText;
use crate::wire::room::RoomConnection;

/// Largest response that is read, in bytes.
pub(super) const MAX_ANSWER_BYTES: usize = 64 << 10;

/// Longest part of an error response that goes into an error, in characters.
const MAX_DETAIL_CHARS: usize = 200;

/// Asks the server at `connect_url` for a participant token. `credential` is an API key, a participant token or an
/// access token of the API.
///
/// Redirects are not followed, because the credential is meant for this address alone. While the server is busy,
/// the call is repeated as in [`super::RoomClient::join`].
///
/// # Errors
/// Those of [`super::RoomClient::join`], and [`RoomError::NotARoomServer`] for a response in another form.
pub async fn connect(
    http: &HttpClient,
    connect_url: &Url,
    credential: &SensitiveText,
) -> Result<RoomConnection, RoomError> {
    let server = authority(connect_url);
    let began = Instant::now();
    let connection = backoff::while_busy(http, async || ask(http, connect_url, credential).await).await?;
    let ms = began.elapsed().as_millis();
    tracing::info!(server, ms, "the server gave a participant token");
    Ok(connection)
}

async fn ask(
    http: &HttpClient,
    connect_url: &Url,
    credential: &SensitiveText,
) -> Result<RoomConnection, RoomError> {
    let request = request(connect_url, credential)?;
    let answer = http.send(request, MAX_ANSWER_BYTES).await?;
    if answer.status != StatusCode::OK {
        return Err(refusal(answer.status, &answer.body));
    }
    serde_json::from_slice(&answer.body).map_err(|_| RoomError::NotARoomServer {
        host: authority(connect_url),
    })
}

fn request(connect_url: &Url, credential: &SensitiveText) -> Result<Request, NetError> {
    let mut request = Request::new(Method::POST, connect_url.clone());
    let headers = request.headers_mut();
    headers.insert(AUTHORIZATION, bearer(credential)?);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    *request.body_mut() = Some("{}".into());
    Ok(request)
}

/// The error for an HTTP status other than success.
pub(super) fn refusal(status: StatusCode, body: &[u8]) -> RoomError {
    let detail = detail(body);
    let or_status = |detail: String| {
        if detail.is_empty() {
            status.to_string()
        } else {
            detail
        }
    };
    match status {
        StatusCode::UNAUTHORIZED => RoomError::Unauthorized(or_status(detail)),
        StatusCode::FORBIDDEN => RoomError::Forbidden(or_status(detail)),
        StatusCode::NOT_FOUND => RoomError::NoSuchRoom(or_status(detail)),
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => RoomError::Busy(or_status(detail)),
        _ => RoomError::BadResponse {
            status: status.to_string(),
            body: detail,
        },
    }
}

/// The first line of a response, without control characters. Empty if the response is a page or JSON.
fn detail(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let line = text.trim().lines().next().unwrap_or_default().trim();
    if line.starts_with(['<', '{', '[']) {
        return String::new();
    }
    line.chars()
        .filter(|c| !c.is_control())
        .take(MAX_DETAIL_CHARS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_not_repeated() {
        assert_eq!(detail(b"<!doctype html><p>secret"), "");
        assert_eq!(detail(b"no such project\nmore"), "no such project");
        assert_eq!(detail(b"a\x1b[31mb"), "a[31mb");
    }

    #[test]
    fn statuses_that_are_final_and_those_that_pass() {
        assert!(matches!(
            refusal(StatusCode::UNAUTHORIZED, b""),
            RoomError::Unauthorized(_)
        ));
        assert!(matches!(refusal(StatusCode::FORBIDDEN, b"x"), RoomError::Forbidden(text) if text == "x"));
        assert!(matches!(
            refusal(StatusCode::NOT_FOUND, b""),
            RoomError::NoSuchRoom(_)
        ));
        assert!(refusal(StatusCode::SERVICE_UNAVAILABLE, b"").is_retryable());
        assert!(!refusal(StatusCode::BAD_GATEWAY, b"<html>").is_retryable());
    }
}
