//! Callbacks: the authorization response that comes back through the browser (RFC 6749, section 4.1.2).

use std::collections::BTreeMap;

use url::{Url, form_urlencoded};

use super::{CsrfState, ProviderErrorCode};
use crate::sensitive::SensitiveText;
use crate::wire::HttpEndpoint;

/// Longest part of a provider's error description that is kept, in characters.
const MAX_DESCRIPTION_CHARS: usize = 200;

/// An authorization code, which the token endpoint exchanges for tokens once. `Debug` does not show it.
#[derive(Debug, Clone)]
pub struct AuthorizationCode(SensitiveText);

impl AuthorizationCode {
    /// A code; none unless the text is printable ASCII and not empty (RFC 6749, appendix A.11).
    pub fn new(text: SensitiveText) -> Option<Self> {
        let code = text.expose();
        let fits = !code.is_empty() && code.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        fits.then_some(Self(text))
    }

    /// The code's text.
    pub const fn text(&self) -> &SensitiveText {
        &self.0
    }
}

/// What a callback must have to belong to an authorization request.
#[derive(Debug, Clone)]
pub struct ExpectedCallback {
    /// The state of the request.
    pub state: CsrfState,
    /// The endpoint that the browser was sent to. A callback that names its issuer (RFC 9207) must name one of
    /// the same scheme, host and port; a callback that names none is taken, because few providers do.
    pub authorization_endpoint: HttpEndpoint,
}

impl ExpectedCallback {
    fn is_issuer(&self, issuer: &str) -> bool {
        let origin = self.authorization_endpoint.url().origin();
        Url::parse(issuer).is_ok_and(|issuer| issuer.origin() == origin)
    }
}

/// Why a callback gives no code. No variant holds a code or a state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallbackError {
    /// A parameter is repeated (RFC 6749, section 3.1, forbids it).
    #[error("a parameter of the answer is there twice")]
    Repeated,
    /// The state is missing.
    #[error("the answer has no `state`")]
    NoState,
    /// The state is that of another request (RFC 6749, section 10.12).
    #[error("the answer is to another request")]
    WrongState,
    /// The issuer is another one (RFC 9207), so the code would be sent to the wrong provider.
    #[error("the answer is from another issuer than was asked")]
    WrongIssuer,
    /// The callback has neither a usable code nor an error, or both.
    #[error("the answer has no usable code")]
    NoCode,
    /// The user or the provider refused.
    #[error("refused at the OAuth provider: {code}{}", in_brackets(.description))]
    Denied {
        /// The provider's error code.
        code: ProviderErrorCode,
        /// The provider's description without control characters, at most 200 characters; empty without one.
        description: String,
    },
}

fn in_brackets(description: &str) -> String {
    if description.is_empty() {
        String::new()
    } else {
        format!(" ({description})")
    }
}

impl CallbackError {
    /// Whether the callback is the provider's response to the request, so that no other will come. It is not if it
    /// could have been sent by someone who does not know the state.
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::WrongIssuer | Self::Denied { .. })
    }
}

/// Reads the query of a callback.
pub(super) fn read(query: &str, expected: &ExpectedCallback) -> Result<AuthorizationCode, CallbackError> {
    let mut parameters = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let value = SensitiveText::new(value.into_owned());
        if parameters.insert(name, value).is_some() {
            return Err(CallbackError::Repeated);
        }
    }
    let mut take = |name: &str| parameters.remove(name).filter(|value| !value.expose().is_empty());
    let state = take("state").ok_or(CallbackError::NoState)?;
    if !expected.state.is(state.expose()) {
        return Err(CallbackError::WrongState);
    }
    if take("iss").is_some_and(|issuer| !expected.is_issuer(issuer.expose())) {
        return Err(CallbackError::WrongIssuer);
    }
    match (take("code"), take("error")) {
        (Some(code), None) => AuthorizationCode::new(code).ok_or(CallbackError::NoCode),
        (None, Some(code)) => Err(CallbackError::Denied {
            code: ProviderErrorCode::new(code.expose()),
            description: take("error_description").map_or_else(String::new, |text| readable(text.expose())),
        }),
        _ => Err(CallbackError::NoCode),
    }
}

fn readable(text: &str) -> String {
    let fit = text.chars().filter(|c| !c.is_control());
    let text: String = fit.take(MAX_DESCRIPTION_CHARS).collect();
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Request {
        expected: ExpectedCallback,
        state: String,
    }

    impl Request {
        fn new() -> Self {
            let state = CsrfState::generate().unwrap();
            let authorization_endpoint = HttpEndpoint::parse("https://as.example/authorize?x").unwrap();
            Self {
                state: state.text().expose().clone(),
                expected: ExpectedCallback {
                    state,
                    authorization_endpoint,
                },
            }
        }

        /// Reads a callback in which `S` is the right state.
        fn read(&self, query: &str) -> Result<String, CallbackError> {
            let query = query.replace("state=S", &format!("state={}", self.state));
            read(&query, &self.expected).map(|code| code.text().expose().clone())
        }
    }

    #[test]
    fn a_code() {
        let request = Request::new();
        for (query, code) in [
            ("code=abc&state=S", "abc"),
            ("state=S&x=1&code=4%2F0A+b%26", "4/0A b&"),
            ("code=abc&state=S&iss=https%3A%2F%2Fas.example", "abc"),
            (
                "code=abc&state=S&iss=https%3A%2F%2Fas.example%2Ftenant&error=",
                "abc",
            ),
        ] {
            assert_eq!(request.read(query).as_deref(), Ok(code), "{query}");
        }
    }

    #[test]
    fn what_anybody_could_have_sent_is_not_final() {
        let request = Request::new();
        for (query, error) in [
            ("", CallbackError::NoState),
            ("code=abc", CallbackError::NoState),
            ("code=abc&state=", CallbackError::NoState),
            ("code=abc&state=x", CallbackError::WrongState),
            ("error=access_denied", CallbackError::NoState),
            ("error=access_denied&state=x", CallbackError::WrongState),
            ("code=abc&state=x&state=S", CallbackError::Repeated),
            ("code=a&code=b&state=S", CallbackError::Repeated),
            ("code=a&c%6Fde=b&state=S", CallbackError::Repeated),
            ("code=a&state=S&x&x", CallbackError::Repeated),
            ("state=S", CallbackError::NoCode),
            ("code=&state=S", CallbackError::NoCode),
            ("code=a&error=b&state=S", CallbackError::NoCode),
            ("code=a%0Ab&state=S", CallbackError::NoCode),
            ("code=%E9&state=S", CallbackError::NoCode),
        ] {
            let found = request.read(query).unwrap_err();
            assert_eq!(found, error, "{query}");
            assert!(!found.is_final(), "{query}");
        }
    }

    #[test]
    fn a_refusal_is_final_and_fit_to_be_shown() {
        let request = Request::new();
        let denied = request
            .read("error=access_denied&error_description=You+said%1B+no&state=S")
            .unwrap_err();
        assert!(denied.is_final());
        assert_eq!(
            denied.to_string(),
            "refused at the OAuth provider: access_denied (You said no)"
        );
        let denied = request.read("state=S&error=a%22b").unwrap_err();
        assert_eq!(denied.to_string(), "refused at the OAuth provider: a?b");
    }

    #[test]
    fn another_issuer_is_final() {
        let request = Request::new();
        for issuer in [
            "https://other.example",
            "http://as.example",
            "https://as.example:8443",
            "https://as.example.evil",
            "as.example",
            "data:x",
        ] {
            let query = format!("code=abc&state=S&iss={issuer}");
            assert_eq!(request.read(&query), Err(CallbackError::WrongIssuer), "{issuer}");
            let query = format!("error=access_denied&state=S&iss={issuer}");
            assert_eq!(request.read(&query), Err(CallbackError::WrongIssuer), "{issuer}");
        }
        assert!(CallbackError::WrongIssuer.is_final());
    }

    #[test]
    fn debug_shows_neither_code_nor_state() {
        let request = Request::new();
        let query = format!("code=canary&state={}", request.state);
        let code = read(&query, &request.expected).unwrap();
        let shown = format!("{code:?} {:?}", request.expected);
        assert!(!shown.contains("canary") && !shown.contains(&request.state));
    }
}
