//! A secret for an environment variable: `NAME=ID` on the command line, `secret://ID` in a file.

use std::str::FromStr;

use crate::cli::formats::dotenv::is_variable_name;
use crate::wire::SecretId;

/// What a value starts with that stands for a secret.
const REFERENCE: &str = "secret://";

/// A variable that is to hold a secret: `NAME=ID`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct EnvSecret {
    pub(in crate::cli) name: String,
    pub(in crate::cli) id: SecretId,
}

impl FromStr for EnvSecret {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // An id may have a `=` in it, a name may not.
        let (name, id) = text.split_once('=').ok_or("give it as NAME=ID")?;
        if !is_variable_name(name) {
            return Err("a variable's name has letters, digits and `_`, and no digit first".to_owned());
        }
        Ok(Self {
            name: name.to_owned(),
            id: SecretId::new(id).map_err(|error| format!("this is no id of a secret: {error}"))?,
        })
    }
}

/// The id that a value of a file stands for, if it is a reference.
pub(in crate::cli) fn referenced_id(value: &str) -> Option<&str> {
    value.strip_prefix(REFERENCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_an_id() {
        let parsed: EnvSecret = "A_1=db/pass=word".parse().unwrap();
        assert_eq!(
            (parsed.name.as_str(), parsed.id.as_str()),
            ("A_1", "db/pass=word")
        );
        for text in ["A", "=a", "1A=a", "A-B=a", "A=", "A=a\nb", "Ä=a"] {
            assert!(text.parse::<EnvSecret>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_reference_is_the_whole_value() {
        assert_eq!(referenced_id("secret://db/password"), Some("db/password"));
        assert_eq!(referenced_id(" secret://a"), None);
        assert_eq!(referenced_id("https://a"), None);
    }
}
