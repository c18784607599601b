//! Names and ids: text of 1 to 255 bytes of UTF-8 without control characters (protocol, "The `secrets` toolkit").
//!
//! Each kind of name is a type of its own, checked when it is made or read, so that an id is never taken for an
//! identity.
//!
//! ```
//! use meshagent::wire::{NameError, RoomName, SecretId};
//!
//! let id: SecretId = "db/password".parse()?;
//! assert_eq!(id.as_str(), "db/password");
//! assert_eq!(RoomName::new("a/b"), Err(NameError::Path));
//! # Ok::<(), NameError>(())
//! ```

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Longest name or id, in bytes of UTF-8.
pub const MAX_NAME_BYTES: usize = 255;

/// Longest [`SecretUrl`], in bytes of UTF-8.
pub const MAX_URL_BYTES: usize = 2048;

/// Why a text is not a name. No variant holds the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The text is empty.
    #[error("it is empty")]
    Empty,
    /// The text is too long.
    #[error("it has more than {limit} bytes")]
    TooLong {
        /// Most bytes that a name of this kind has.
        limit: usize,
    },
    /// The text has a newline, an escape or another control character.
    #[error("it has a control character")]
    ControlCharacter,
    /// The name of a room would be more or less than one segment of a URL's path.
    #[error("a room's name is not `.` or `..` and has no `/` or `\\`")]
    Path,
    /// A new name begins or ends with white space.
    #[error("it begins or ends with white space, which is not seen")]
    OuterSpace,
    /// A new name has a character that changes the direction of the text around it.
    #[error("it has U+{:04X}, which turns the direction of text", u32::from(*.0))]
    Bidirectional(char),
}

fn check(text: &str) -> Result<(), NameError> {
    check_within(text, MAX_NAME_BYTES)
}

fn check_url(text: &str) -> Result<(), NameError> {
    check_within(text, MAX_URL_BYTES)
}

fn check_within(text: &str, limit: usize) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > limit {
        return Err(NameError::TooLong { limit });
    }
    if text.chars().any(char::is_control) {
        return Err(NameError::ControlCharacter);
    }
    Ok(())
}

/// Checks a new name. Names from before this rule may break it, and can still be read, listed and deleted.
fn check_new(text: &str) -> Result<(), NameError> {
    if text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace) {
        return Err(NameError::OuterSpace);
    }
    match text.chars().find(|character| is_bidirectional(*character)) {
        Some(character) => Err(NameError::Bidirectional(character)),
        None => Ok(()),
    }
}

/// Unicode's `Bidi_Control` (Unicode Standard Annex #9, section 2).
const fn is_bidirectional(character: char) -> bool {
    matches!(character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn check_room(text: &str) -> Result<(), NameError> {
    check(text)?;
    if matches!(text, "." | "..") || text.contains(['/', '\\']) {
        return Err(NameError::Path);
    }
    Ok(())
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Makes a name of `text`.
            ///
            /// # Errors
            /// The first rule that `text` breaks.
            pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
                let text = text.into();
                $check(&text)?;
                Ok(Self(text))
            }

            /// Makes a name of `text`, for something that does not exist yet.
            ///
            /// # Errors
            /// The first rule that `text` breaks, those of [`Self::check_new`] included.
            pub fn create(text: impl Into<String>) -> Result<Self, NameError> {
                let name = Self::new(text)?;
                name.check_new()?;
                Ok(name)
            }

            /// Checks that people can tell the name by reading it: a rule for new names.
            ///
            /// # Errors
            /// [`NameError::OuterSpace`] and [`NameError::Bidirectional`].
            pub fn check_new(&self) -> Result<(), NameError> {
                check_new(&self.0)
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    };
}

/// Ids that a server makes from UUIDs. The text of a UUID keeps the rules of every id.
macro_rules! from_uuid {
    ($($name:ident),*) => {
        $(impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid.to_string())
            }
        })*
    };
}

from_uuid!(ParticipantId, SecretId, RequestId);

name!(
    /// The name of a room. It is also one segment of a URL's path.
    RoomName,
    check_room
);
name!(
    /// An identity: the name that a participant token is issued for. Several participants may have the same.
    Identity,
    check
);
name!(
    /// The id of a participant, which is one connection to a room. The server makes it.
    ParticipantId,
    check
);
name!(
    /// The id of a secret, unique among the secrets of one owner with the same delegate.
    SecretId,
    check
);
name!(
    /// The id of a request from one participant to another. The server makes it.
    RequestId,
    check
);
name!(
    /// The `url` of a request for a secret. By convention it is a URL; any text of 1 to 2,048 bytes without control
    /// characters is allowed (protocol, "Limits").
    SecretUrl,
    check_url
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_counted_in_bytes() {
        assert_eq!(SecretId::new(""), Err(NameError::Empty));
        assert!(SecretId::new("a".repeat(255)).is_ok());
        assert!(SecretUrl::new("a".repeat(2048)).is_ok());
        assert_eq!(
            SecretUrl::new("a".repeat(2049)),
            Err(NameError::TooLong { limit: 2048 })
        );
        assert_eq!(
            SecretId::new("é".repeat(128)),
            Err(NameError::TooLong { limit: 255 })
        );
    }

    #[test]
    fn control_characters_are_refused() {
        for text in ["a\nb", "\u{1b}[2J", "a\0", "\u{85}", "\u{7f}"] {
            assert_eq!(Identity::new(text), Err(NameError::ControlCharacter), "{text:?}");
        }
    }

    #[test]
    fn new_names_are_seen_as_they_are() {
        let check = |text: &str| SecretId::new(text).unwrap().check_new();
        for text in [" a", "a ", "a\u{a0}", "\u{3000}a", "a\u{2003}", " "] {
            assert_eq!(check(text), Err(NameError::OuterSpace), "{text:?}");
        }
        for character in [
            '\u{61c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202e}', '\u{2066}', '\u{2069}',
        ] {
            let refused = Err(NameError::Bidirectional(character));
            assert_eq!(check(&format!("a{character}b")), refused);
        }
        assert_eq!(check("a b \u{5d0}\u{627}"), Ok(()));
        let error = check("a\u{202e}").unwrap_err();
        assert_eq!(
            error.to_string(),
            "it has U+202E, which turns the direction of text"
        );
    }

    #[test]
    fn a_room_name_is_no_path() {
        for text in [".", "..", "a/b", "a\\b", "/"] {
            assert_eq!(RoomName::new(text), Err(NameError::Path), "{text:?}");
        }
        assert!(RoomName::new("a b.c..ü").is_ok());
        assert!(SecretId::new("db/password").is_ok());
    }
}
