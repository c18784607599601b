//! A secret for an environment variable: `NAME=ID` on the command line.

use std::str::FromStr;

use super::dotenv::is_variable_name;
use crate::wire::SecretId;

/// A variable that is to hold a secret: `NAME=ID`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EnvSecret {
    pub(super) name: String,
    pub(super) id: SecretId,
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
}
