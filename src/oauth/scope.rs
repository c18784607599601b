//! Scopes: what an access token may be used for (RFC 6749, section 3.3).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Longest scope, in bytes.
const MAX_SCOPE_BYTES: usize = 1024;

/// Why a text is not a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// The text is empty.
    #[error("a scope is empty")]
    Empty,
    /// The text has more than 1,024 bytes.
    #[error("a scope has more than {MAX_SCOPE_BYTES} bytes")]
    TooLong,
    /// The text has a character that scopes do not have.
    #[error("a scope has a space, a quotation mark, a backslash, or a character that is not ASCII")]
    BadCharacter,
}

/// A scope: printable ASCII without space, `"` and `\`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OAuthScope(String);

impl OAuthScope {
    /// Makes a scope of `text`.
    ///
    /// # Errors
    /// The first rule that `text` breaks.
    pub fn new(text: impl Into<String>) -> Result<Self, ScopeError> {
        let text = text.into();
        if text.is_empty() {
            return Err(ScopeError::Empty);
        }
        if text.len() > MAX_SCOPE_BYTES {
            return Err(ScopeError::TooLong);
        }
        if text
            .bytes()
            .any(|b| !matches!(b, b'!'..=b'~') || matches!(b, b'"' | b'\\'))
        {
            return Err(ScopeError::BadCharacter);
        }
        Ok(Self(text))
    }

    /// Reads a list of scopes with spaces between them. What is not a scope is left out.
    pub fn read_list(text: &str) -> Vec<Self> {
        text.split(' ')
            .filter_map(|scope| Self::new(scope).ok())
            .collect()
    }

    /// Writes a list of scopes with spaces between them.
    pub fn write_list(scopes: &[Self]) -> String {
        let texts: Vec<&str> = scopes.iter().map(Self::as_str).collect();
        texts.join(" ")
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OAuthScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for OAuthScope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        Self::new(text)
    }
}

impl TryFrom<String> for OAuthScope {
    type Error = ScopeError;

    fn try_from(text: String) -> Result<Self, ScopeError> {
        Self::new(text)
    }
}

impl From<OAuthScope> for String {
    fn from(scope: OAuthScope) -> Self {
        scope.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_what_the_rfc_says() {
        for text in [
            "openid",
            "https://www.googleapis.com/auth/drive",
            "read:user",
            "a,b",
            "room/*",
        ] {
            assert_eq!(OAuthScope::new(text).unwrap().as_str(), text);
        }
        assert_eq!(OAuthScope::new(""), Err(ScopeError::Empty));
        assert_eq!(OAuthScope::new("a".repeat(1025)), Err(ScopeError::TooLong));
        for text in ["a b", "a\"", "a\\", "\u{e9}", "a\n"] {
            assert_eq!(OAuthScope::new(text), Err(ScopeError::BadCharacter), "{text:?}");
        }
    }

    #[test]
    fn a_list_is_read_and_written() {
        let scopes = OAuthScope::read_list(" a  b \u{e9} c");
        assert_eq!(OAuthScope::write_list(&scopes), "a b c");
        assert!(OAuthScope::read_list("").is_empty());
    }
}
