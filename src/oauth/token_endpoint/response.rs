//! Token responses (RFC 6749, sections 5.1 and 5.2).

use serde_json::{Map, Value};

use crate::net::HttpResponse;
use crate::oauth::{OAuthError, OAuthScope, ProviderErrorCode};
use crate::sensitive::SensitiveText;

/// Largest response that is read, in bytes.
pub const MAX_ANSWER_BYTES: usize = 64 << 10;

/// Longest lifetime of a token that is accepted, in seconds: a hundred years.
const MAX_EXPIRES_IN: u64 = 100 * 366 * 24 * 60 * 60;

/// A token response. `Debug` shows no token.
#[derive(Debug, Clone)]
pub struct TokenResponse {
    /// The access token.
    pub access_token: SensitiveText,
    /// The refresh token. Without one, a former refresh token stays valid (RFC 6749, section 6).
    pub refresh_token: Option<SensitiveText>,
    /// An OpenID Connect id token, unverified.
    pub id_token: Option<SensitiveText>,
    /// When the access token expires, in Unix seconds, counted from the request; none if the provider does not say.
    pub expires_at: Option<u64>,
    /// The granted scopes; none if they are the requested ones.
    pub scopes: Option<Vec<OAuthScope>>,
}

/// Reads the response to a token request that was made at `requested_at`, in Unix seconds.
///
/// The code or the refresh token of the request is spent by now. So whatever is odd about the optional members, a usable
/// access token is used: a member that is empty, null or of another type counts as missing.
///
/// # Errors
/// [`OAuthError::Refused`] if there is an error code, with any HTTP status: some providers send errors with 200.
/// [`OAuthError::BadResponse`] for everything else that is not a token response.
pub fn parse(answer: &HttpResponse, requested_at: u64) -> Result<TokenResponse, OAuthError> {
    let bad = |problem| OAuthError::BadResponse {
        status: answer.status.as_u16(),
        problem,
    };
    if answer.status.is_redirection() {
        return Err(bad("a token endpoint may not redirect"));
    }
    let body = answer.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&answer.body);
    let Ok(mut body) = serde_json::from_slice::<Map<String, Value>>(body) else {
        return Err(bad("what it says is not a JSON object"));
    };
    match body.get("error") {
        None | Some(Value::Null) => {}
        Some(Value::String(code)) if code.is_empty() && body.contains_key("access_token") => {}
        Some(Value::String(code)) => return Err(OAuthError::Refused(ProviderErrorCode::new(code))),
        Some(_) => return Err(bad("its error is not a text")),
    }
    if !answer.status.is_success() {
        return Err(bad("it does not say why"));
    }
    let mut text = |name: &str| match body.remove(name) {
        Some(Value::String(text)) if !text.is_empty() => Some(text),
        _ => None,
    };
    if !text("token_type").as_deref().is_none_or(is_bearer) {
        return Err(bad("the token is not a bearer token"));
    }
    let access_token = text("access_token").ok_or_else(|| bad("there is no access token in it"))?;
    if !is_token(&access_token) {
        return Err(bad("the token in it has characters that no token has"));
    }
    Ok(TokenResponse {
        access_token: access_token.into(),
        refresh_token: text("refresh_token")
            .filter(|token| is_token(token))
            .map(Into::into),
        id_token: text("id_token").map(Into::into),
        scopes: text("scope").as_deref().map(OAuthScope::read_list),
        expires_at: body
            .get("expires_in")
            .and_then(seconds)
            .map(|seconds| requested_at.saturating_add(seconds)),
    })
}

/// Whether a token type means a bearer token: `bearer` in any case, or Slack's `bot` and `user`.
fn is_bearer(token_type: &str) -> bool {
    ["bearer", "bot", "user"]
        .iter()
        .any(|known| token_type.eq_ignore_ascii_case(known))
}

/// Whether a text may be a token: printable ASCII (RFC 6749, appendix A.12).
fn is_token(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// A number of seconds. Some providers send a text, or a fraction.
fn seconds(value: &Value) -> Option<u64> {
    let seconds = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text
            .trim()
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite())?,
        _ => return None,
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "clamped to what fits"
    )]
    let seconds = seconds.clamp(0.0, MAX_EXPIRES_IN as f64) as u64;
    Some(seconds)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use reqwest::StatusCode;
    use serde_json::json;

    use super::*;

    fn answered(status: u16, body: impl Into<Bytes>) -> Result<TokenResponse, OAuthError> {
        let answer = HttpResponse {
            status: StatusCode::from_u16(status).unwrap(),
            body: body.into(),
            ..HttpResponse::default()
        };
        parse(&answer, 1000)
    }

    fn read(body: &Value) -> Result<TokenResponse, OAuthError> {
        answered(200, body.to_string())
    }

    fn problem(answer: Result<TokenResponse, OAuthError>) -> String {
        answer.unwrap_err().to_string()
    }

    #[test]
    fn a_whole_answer() {
        let answer = read(&json!({
            "access_token": "a", "token_type": "Bearer", "refresh_token": "r", "expires_in": 3600,
            "scope": "x y", "id_token": "i", "extra": [1],
        }))
        .unwrap();
        assert_eq!(answer.access_token.expose(), "a");
        assert_eq!(answer.refresh_token.unwrap().expose(), "r");
        assert_eq!(answer.id_token.unwrap().expose(), "i");
        assert_eq!(answer.expires_at, Some(4600));
        assert_eq!(OAuthScope::write_list(&answer.scopes.unwrap()), "x y");
    }

    #[test]
    fn what_may_be_missing() {
        let answer = read(&json!({"access_token": "a", "refresh_token": "", "expires_in": null})).unwrap();
        assert!(answer.refresh_token.is_none() && answer.expires_at.is_none() && answer.scopes.is_none());
    }

    #[test]
    fn a_usable_token_is_used_whatever_is_beside_it() {
        for odd in [
            json!(null),
            json!(""),
            json!(7),
            json!([]),
            json!({}),
            json!(false),
        ] {
            let answer = read(&json!({
                "access_token": "a", "token_type": odd, "refresh_token": odd, "id_token": odd, "scope": odd,
                "expires_in": odd, "error": null,
            }));
            let answer = answer.unwrap_or_else(|error| panic!("{odd}: {error}"));
            assert!(
                answer.refresh_token.is_none() && answer.id_token.is_none(),
                "{odd}"
            );
            assert!(answer.scopes.is_none(), "{odd}");
            assert_eq!(answer.expires_at, (odd == json!(7)).then_some(1007), "{odd}");
        }
        let body = json!({"access_token": "a", "refresh_token": "r\u{e9}", "error": ""}).to_string();
        let answer = answered(200, format!("\u{feff}{body}")).unwrap();
        assert_eq!(answer.access_token.expose(), "a");
        assert!(answer.refresh_token.is_none());
        // Of a member that comes twice, the last counts, as in most readers of JSON.
        let twice = r#"{"access_token": "a", "scope": "x", "scope": "y"}"#;
        assert!(answered(200, twice).is_ok());
    }

    #[test]
    fn lifetimes() {
        for (expires_in, expires_at) in [
            (json!(60), Some(1060)),
            (json!("60"), Some(1060)),
            (json!(60.9), Some(1060)),
            (json!(-5), Some(1000)),
            (json!(1e300), Some(1000 + MAX_EXPIRES_IN)),
            (json!("soon"), None),
            (json!("NaN"), None),
            (json!({}), None),
        ] {
            let answer = read(&json!({"access_token": "a", "expires_in": expires_in})).unwrap();
            assert_eq!(answer.expires_at, expires_at, "{expires_in}");
        }
    }

    #[test]
    fn the_providers_code_is_what_is_passed_on() {
        let refusal = json!({"error": "invalid_grant", "error_description": "canary"});
        for status in [200, 400, 401, 500] {
            let error = answered(status, refusal.to_string()).unwrap_err();
            assert_eq!(error.to_string(), "the OAuth provider refused: invalid_grant");
        }
        // An error wins over a token beside it.
        let both = read(&json!({"error": "x\u{1b}", "access_token": "canary"})).unwrap_err();
        assert_eq!(both.provider_code().unwrap().as_str(), "x?");
    }

    #[test]
    fn what_is_no_token_answer() {
        for (status, body) in [
            (200, "<html>canary</html>".to_owned()),
            (200, String::new()),
            (200, json!(["canary"]).to_string()),
            (200, json!({"canary": 1}).to_string()),
            (200, json!({"access_token": ""}).to_string()),
            (200, json!({"access_token": 7}).to_string()),
            (200, json!({"access_token": "canary\n"}).to_string()),
            (
                200,
                json!({"access_token": "canary", "token_type": "DPoP"}).to_string(),
            ),
            (200, json!({"error": {"canary": 1}}).to_string()),
            (302, json!({"access_token": "canary"}).to_string()),
            (404, json!({"access_token": "canary"}).to_string()),
            (500, "canary".to_owned()),
        ] {
            let problem = problem(answered(status, body.clone()));
            assert!(
                problem.starts_with(&format!("the token endpoint answered {status}, and ")),
                "{problem}"
            );
            assert!(!problem.contains("canary"), "{problem}");
        }
    }

    #[test]
    fn token_types_that_are_bearer_tokens() {
        for kind in ["bearer", "Bearer", "BEARER", "bot"] {
            assert!(
                read(&json!({"access_token": "a", "token_type": kind})).is_ok(),
                "{kind}"
            );
        }
    }
}
