//! Errors of token requests.

use std::fmt;

/// Longest part of an error code that is kept, in bytes.
const MAX_CODE_BYTES: usize = 64;

/// Why a token request failed. Of what the provider sent, an error holds the error code alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OAuthError {
    /// The provider refused (RFC 6749, section 5.2).
    #[error("the OAuth provider refused: {0}")]
    Refused(ProviderErrorCode),
    /// The response is not a token response (RFC 6749, section 5.1).
    #[error("the token endpoint answered {status}, and {problem}")]
    BadResponse {
        /// The HTTP status.
        status: u16,
        /// Why it is not one.
        problem: &'static str,
    },
    /// The request cannot be made.
    #[error("no token request can be made: {0}")]
    BadRequest(&'static str),
}

impl OAuthError {
    /// The provider's error code, if it refused.
    pub const fn provider_code(&self) -> Option<&ProviderErrorCode> {
        match self {
            Self::Refused(code) => Some(code),
            _ => None,
        }
    }
}

/// An OAuth error code, like `invalid_grant`. It is safe to show: at most 64 bytes of printable ASCII without `"` and
/// `\` (RFC 6749, sections 4.1.2.1 and 5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderErrorCode(String);

impl ProviderErrorCode {
    /// Makes a code of what a provider sent. Other characters are replaced by `?`, and a longer text is cut off.
    pub fn new(code: &str) -> Self {
        let allowed = |c: char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\');
        let code: String = code
            .chars()
            .take(MAX_CODE_BYTES)
            .map(|c| if allowed(c) { c } else { '?' })
            .collect();
        let code = code.trim();
        Self(if code.is_empty() { "unknown_error" } else { code }.to_owned())
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProviderErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_short_and_printable() {
        let shown = |code| ProviderErrorCode::new(code).to_string();
        assert_eq!(shown("invalid_grant"), "invalid_grant");
        assert_eq!(shown("a\u{1b}[31m\n\"b\\\u{e9}"), "a?[31m??b??");
        assert_eq!(shown(""), "unknown_error");
        assert_eq!(shown("  "), "unknown_error");
        assert_eq!(shown(&"x".repeat(1000)).len(), 64);
    }
}
