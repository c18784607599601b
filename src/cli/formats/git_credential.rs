//! What git asks a credential helper, and what it is answered (gitcredentials(7), git-credential(1)): lines
//! `KEY=VALUE` up to a blank line. A stored credential is the JSON object `{"username","password"}`, of the
//! type `git` (protocol, "The `secrets` toolkit").

use std::io::Write;

use serde::{Deserialize, Serialize};

use crate::cli::error::{CommandError, Kind};
use crate::sensitive::{SecretValue, SensitiveText};
use crate::wire::{NameError, SecretId};

/// Type of a secret that is a credential for git.
pub(in crate::cli) const SECRET_TYPE: &str = "git";

/// The error about a secret that is no credential, after its name.
pub(in crate::cli) const NOT_A_CREDENTIAL: &str =
    "is no credential for git: it is not JSON with `username` and `password`";

/// What git says of the server that it wants to get into.
#[derive(Debug, Default)]
pub(in crate::cli) struct Description {
    protocol: Option<String>,
    host: Option<String>,
    path: Option<String>,
    pub(in crate::cli) username: Option<String>,
    pub(in crate::cli) password: Option<SensitiveText>,
}

impl Description {
    /// Reads what git wrote. Members that are of no use here are left out, as git wants it.
    pub(in crate::cli) fn parse(input: &SecretValue) -> Result<Self, CommandError> {
        let text = std::str::from_utf8(input.expose())
            .map_err(|_| CommandError::new(Kind::Usage, "git's description is not UTF-8 text"))?;
        let mut description = Self::default();
        for line in text.lines().take_while(|line| !line.is_empty()) {
            let Some((key, value)) = line.split_once('=') else {
                return Err(CommandError::new(Kind::Usage, "a line on stdin is not KEY=VALUE")
                    .hint("git calls this command itself: see `git help credentials`"));
            };
            let value = || Some(value.to_owned());
            match key {
                "protocol" => description.protocol = value(),
                "host" => description.host = value(),
                "path" => description.path = value(),
                "username" => description.username = value(),
                "password" => description.password = value().map(SensitiveText::new),
                _ => {}
            }
        }
        Ok(description)
    }

    /// The server's address, which is also the id of its credential: `https://example.com`, with the path
    /// where git says it (`credential.useHttpPath`).
    pub(in crate::cli) fn url(&self) -> Result<String, CommandError> {
        let (Some(protocol), Some(host)) = (&self.protocol, &self.host) else {
            return Err(
                CommandError::new(Kind::Usage, "git's description has no protocol and host")
                    .hint("git calls this command itself: see `git help credentials`"),
            );
        };
        Ok(match self.path.as_deref() {
            Some(path) if !path.is_empty() => format!("{protocol}://{host}/{path}"),
            _ => format!("{protocol}://{host}"),
        })
    }

    /// Ids that the credential may have: with the user's name in it, if that is known, and without.
    pub(in crate::cli) fn ids(&self) -> anyhow::Result<Vec<SecretId>> {
        let url = self.url()?;
        let mut ids = Vec::new();
        if let (Some(username), Some((protocol, rest))) = (&self.username, url.split_once("://")) {
            ids.push(format!("{protocol}://{username}@{rest}"));
        }
        ids.push(url);
        Ok(ids
            .into_iter()
            .map(SecretId::new)
            .collect::<Result<_, NameError>>()?)
    }

    /// Whether a credential is one that git means. What it does not say, may be anything.
    pub(in crate::cli) fn fits(&self, credential: &Credential) -> bool {
        self.username
            .as_ref()
            .is_none_or(|username| *username == credential.username)
            && self
                .password
                .as_ref()
                .is_none_or(|password| password.expose() == credential.password.expose())
    }

    /// The credential that git wants to have stored; none if it is no user's name and password.
    pub(in crate::cli) fn credential(self) -> Option<Credential> {
        Some(Credential {
            username: self.username?,
            password: self.password?,
        })
    }
}

/// A user's name and password for a server.
#[derive(Debug)]
pub(in crate::cli) struct Credential {
    pub(in crate::cli) username: String,
    password: SensitiveText,
}

#[derive(Deserialize)]
struct Read {
    username: String,
    password: String,
}

#[derive(Serialize)]
struct Written<'a> {
    username: &'a str,
    password: &'a str,
}

impl Credential {
    /// The credential of what a person typed.
    pub(in crate::cli) const fn new(username: String, password: SensitiveText) -> Self {
        Self { username, password }
    }

    /// Reads a secret of the type `git`; `None` if it is not one.
    pub(in crate::cli) fn from_value(value: &SecretValue) -> Option<Self> {
        // A list would be taken for an object too.
        let is_object = value.expose().trim_ascii_start().starts_with(b"{");
        let object = is_object.then_some(value.expose())?;
        let Read { username, password } = serde_json::from_slice(object).ok()?;
        let password = SensitiveText::new(password);
        // Git's lines cannot hold these.
        let fits = |text: &str| !text.contains(['\n', '\r', '\0']);
        (fits(&username) && fits(password.expose())).then_some(Self { username, password })
    }

    /// The secret that holds it.
    pub(in crate::cli) fn to_value(&self) -> anyhow::Result<SecretValue> {
        let mut value = SecretValue::default();
        let written = Written {
            username: &self.username,
            password: self.password.expose(),
        };
        serde_json::to_writer(&mut value, &written)?;
        Ok(value)
    }

    /// The answer to git.
    pub(in crate::cli) fn answer(&self) -> SecretValue {
        let mut answer = SecretValue::default();
        // Writing to memory does not fail.
        let _ = writeln!(answer, "username={}", self.username);
        let _ = writeln!(answer, "password={}", self.password.expose());
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description(text: &str) -> Description {
        Description::parse(&text.as_bytes().to_vec().into()).unwrap()
    }

    #[test]
    fn a_description_names_its_credential() {
        let ids = |text| {
            description(text)
                .ids()
                .unwrap()
                .into_iter()
                .map(String::from)
                .collect::<Vec<_>>()
        };
        assert_eq!(ids("protocol=https\nhost=h:8080\n"), ["https://h:8080"]);
        assert_eq!(
            ids(
                "capability[]=authtype\nprotocol=https\nhost=h\npath=a/b.git\nusername=u\nwwwauth[]=x=y\n\nhost=ignored\n"
            ),
            ["https://u@h/a/b.git", "https://h/a/b.git"]
        );
        assert!(description("protocol=https\n").ids().is_err());
        assert!(description("protocol=https\nhost=a\u{1b}b\n").ids().is_err());
        assert!(Description::parse(&b"nonsense\n".to_vec().into()).is_err());
        assert!(Description::parse(&b"a=\xff\n".to_vec().into()).is_err());
    }

    #[test]
    fn a_credential_comes_back() {
        let given =
            description("protocol=https\nhost=h\nusername=\u{fc}\"\\\npassword= p=1$\"'\u{1f511}\\ \n");
        let value = given.credential().unwrap().to_value().unwrap();
        let credential = Credential::from_value(&value).unwrap();
        assert_eq!(
            credential.answer().expose(),
            "username=\u{fc}\"\\\npassword= p=1$\"'\u{1f511}\\ \n".as_bytes()
        );
        let more = br#"{"username":"u","password":"p","url":"x","n":[1]}"#.to_vec().into();
        assert!(Credential::from_value(&more).is_some());
        for odd in [
            &b"plain"[..],
            b"{}",
            br#"["u","p"]"#,
            br#"{"username":"u","password":"a\nhost=b"}"#,
        ] {
            assert!(Credential::from_value(&odd.to_vec().into()).is_none(), "{odd:?}");
        }
        assert!(description("username=u\n").credential().is_none());
        assert!(!format!("{:?}", description("password=canary")).contains("canary"));
    }

    #[test]
    fn a_credential_fits_what_is_said_of_it() {
        let stored = br#"{"username":"u","password":"p"}"#.to_vec().into();
        let stored = Credential::from_value(&stored).unwrap();
        for (text, fits) in [
            ("", true),
            ("username=u", true),
            ("username=v", false),
            ("username=u\npassword=p", true),
            ("password=old", false),
        ] {
            assert_eq!(description(text).fits(&stored), fits, "{text}");
        }
    }
}
