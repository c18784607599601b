//! What can go wrong with OAuth.

use std::fmt;

/// Longest error code that is passed on, in bytes.
const MAX_CODE_BYTES: usize = 64;

/// Why a token was not to be had. No variant holds a token, a code or anything else that a provider
/// sent, its error code excepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OAuthError {
    /// The provider said no.
    #[error("the OAuth provider refused: {0}")]
    Refused(ProviderErrorCode),
    /// The token endpoint answered with something that is not a token answer.
    #[error("the token endpoint answered {status}, and {problem}")]
    BadResponse {
        /// The HTTP status.
        status: u16,
        /// What is wrong with the answer.
        problem: &'static str,
    },
    /// The request cannot be made of what was given.
    #[error("no token request can be made: {0}")]
    BadRequest(&'static str),
}

impl OAuthError {
    /// The provider's error code, if it gave one.
    pub const fn provider_code(&self) -> Option<&ProviderErrorCode> {
        match self {
            Self::Refused(code) => Some(code),
            _ => None,
        }
    }
}

/// An OAuth error code, like `invalid_grant`, safe to show: printable ASCII without `"` and `\`
/// (RFC 6749, sections 4.1.2.1 and 5.2), at most 64 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderErrorCode(String);

impl ProviderErrorCode {
    /// The code that a provider sent. Characters that no code has become `?`, and the rest of a long
    /// one is cut off.
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
