//! What comes from an OAuth provider, through a browser or a token endpoint.

use reqwest::StatusCode;

use super::callback::{self, AuthorizationCode};
use super::token_endpoint::parse;
use super::{
    CallbackError, CsrfState, ExpectedCallback, OAuthError, OAuthScope, PkceChallenge, RedirectUri, pasted,
};
use crate::fuzz::{check, check_text, hides};
use crate::net::HttpResponse;

/// What stands for the state of the request in a seed.
const STATE: &str = "STATE";

/// Callbacks: queries that came with a redirect.
const QUERIES: &[&str] = &[
    "state=STATE&code=canary",
    "state=STATE&code=canary&iss=https%3A%2F%2Fas.example",
    "state=STATE&error=access_denied&error_description=no%20way",
    "state=canary&code=canary",
];

fn expected() -> ExpectedCallback {
    ExpectedCallback {
        state: CsrfState::generate().unwrap(),
        authorization_endpoint: "https://as.example/authorize".parse().unwrap(),
    }
}

fn with_state(text: &str, expected: &ExpectedCallback) -> String {
    text.replace(STATE, expected.state.text().expose())
}

fn check_outcome(text: &str, outcome: &Result<AuthorizationCode, CallbackError>) {
    match outcome {
        Ok(code) => {
            assert!(text.contains(STATE), "a code without the request's state");
            assert!(
                code.text()
                    .expose()
                    .bytes()
                    .all(|byte| matches!(byte, b' '..=b'~'))
            );
        }
        // The provider's words are shown.
        Err(CallbackError::Denied { description, .. }) => {
            assert!(text.contains(STATE), "a refusal without the request's state");
            assert!(description.chars().count() <= 200 && !description.contains(char::is_control));
        }
        Err(error) => hides(error),
    }
}

#[test]
fn callback() {
    check_text!(QUERIES, |text| {
        let expected = expected();
        let outcome = callback::read(&with_state(text, &expected), &expected);
        check_outcome(text, &outcome);
    });
}

#[test]
fn pasted_callback() {
    let urls = QUERIES
        .iter()
        .map(|query| format!("http://127.0.0.1:1234/callback?{query}"));
    check_text!(urls, |text| {
        let expected = expected();
        let redirect_uri = RedirectUri::parse("http://127.0.0.1:1234/callback").unwrap();
        let pasted_text = with_state(text, &expected).into();
        match pasted::read(&pasted_text, &redirect_uri, &expected, false) {
            Ok(code) => check_outcome(text, &Ok(code)),
            Err(pasted::PastedError::Callback(error)) => check_outcome(text, &Err(error)),
            Err(error) => hides(&error),
        }
    });
}

#[test]
fn token_answer() {
    let seeds = [
        r#"{"access_token": "canary", "token_type": "bearer", "expires_in": 3600, "scope": "a b"}"#,
        r#"{"access_token": "canary", "refresh_token": "canary", "id_token": "canary", "expires_in": "1e3"}"#,
        r#"{"error": "invalid_grant", "error_description": "gone"}"#,
        r#"{"access_token": "canary", "token_type": "mac"}"#,
    ];
    check!(seeds, |input| {
        for status in [StatusCode::OK, StatusCode::BAD_REQUEST, StatusCode::FOUND] {
            let body = input.to_vec().into();
            match parse(
                &HttpResponse {
                    status,
                    body,
                    ..HttpResponse::default()
                },
                1000,
            ) {
                Ok(answer) => {
                    assert_eq!(status, StatusCode::OK);
                    let tokens = [Some(&answer.access_token), answer.refresh_token.as_ref()];
                    for token in tokens.into_iter().flatten() {
                        let token = token.expose();
                        assert!(!token.is_empty() && token.bytes().all(|byte| matches!(byte, b' '..=b'~')));
                    }
                    crate::fuzz::debug_hides(&(answer.access_token, answer.refresh_token, answer.id_token));
                }
                // The provider's code is shown.
                Err(OAuthError::Refused(code)) => assert!(code.as_str().len() <= 64),
                Err(error) => hides(&error),
            }
        }
    });
}

#[test]
fn redirect_uri() {
    let seeds = [
        "http://127.0.0.1:1234/callback",
        "http://localhost/?a=b",
        "http://[::1]:0/",
        "https://h.example/canary",
        "com.example.app:/cb",
        "https://canary@h/#x",
    ];
    check_text!(seeds, |text| {
        match RedirectUri::parse(text) {
            Ok(uri) => {
                assert_eq!(uri.as_str(), text);
                if uri.is_loopback() {
                    let moved = uri.with_port(4321);
                    assert!(moved.is_loopback() && moved.port() == Some(4321), "{moved}");
                    assert_eq!(RedirectUri::parse(moved.as_str()), Ok(moved));
                }
            }
            Err(error) => hides(&error),
        }
    });
}

#[test]
fn scopes() {
    check_text!(["openid profile", "https://www.example/auth/drive a,b"], |text| {
        let scopes = OAuthScope::read_list(text);
        assert_eq!(OAuthScope::read_list(&OAuthScope::write_list(&scopes)), scopes);
    });
}

#[test]
fn pkce_challenge() {
    check_text!(["E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"], |text| {
        if let Some(challenge) = PkceChallenge::parse(text) {
            assert_eq!(challenge.as_str(), text);
            assert_eq!(text.len(), 43);
        }
    });
}
