//! What git asks a credential helper, and what it is answered (gitcredentials(7), git-credential(1)): lines
//! `KEY=VALUE` up to a blank line. A stored credential is a JSON object of the type `git`: `username` and `password`,
//! or `authtype` and `credential`, and with them `password_expiry_utc` and `oauth_refresh_token` as git says them. Those
//! are what git's own cache keeps.

use std::io::Write;

use serde::{Deserialize, Serialize};

use crate::cli::error::{CommandError, Kind};
use crate::sensitive::{SecretValue, SensitiveText};
use crate::wire::SecretId;

/// Type of a secret that is a credential for git.
pub(in crate::cli) const SECRET_TYPE: &str = "git";

/// The error about a secret that is no credential, after its name.
pub(in crate::cli) const NOT_A_CREDENTIAL: &str =
    "is no credential for git: it is not JSON with `username` and `password`, or `authtype` and `credential`";

/// What git says of the server that it wants to get into.
#[derive(Debug, Default)]
pub(in crate::cli) struct Description {
    protocol: Option<String>,
    host: Option<String>,
    path: Option<String>,
    /// What git says of the credential.
    pub(in crate::cli) credential: Credential,
    /// Whether git takes `authtype` and `credential` for an answer.
    takes_authtype: bool,
    /// Whether the credential is for this one use, and not to be stored.
    is_ephemeral: bool,
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
            let text = || Some(value.to_owned());
            let credential = &mut description.credential;
            match key {
                "protocol" => description.protocol = text(),
                "host" => description.host = text(),
                "path" => description.path = text(),
                "capability[]" => description.takes_authtype |= value == "authtype",
                "ephemeral" => description.is_ephemeral = !matches!(value, "" | "0" | "false" | "no" | "off"),
                "username" => credential.username = text(),
                "password_expiry_utc" => credential.password_expiry_utc = text(),
                "authtype" => credential.authtype = text(),
                "password" => credential.password = text().map(SensitiveText::new),
                "oauth_refresh_token" => credential.oauth_refresh_token = text().map(SensitiveText::new),
                "credential" => credential.encoded = text().map(SensitiveText::new),
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

    /// Ids that the credential may have: with the user's name in it, if that is known, and without. One that is longer
    /// than an id may be is left out.
    ///
    /// # Errors
    /// If none is left, or the address cannot be an id.
    pub(in crate::cli) fn ids(&self) -> Result<Vec<SecretId>, CommandError> {
        let url = self.url()?;
        let mut ids = Vec::new();
        if let (Some(username), Some((protocol, rest))) = (&self.credential.username, url.split_once("://"))
            && let Ok(id) = SecretId::new(format!("{protocol}://{username}@{rest}"))
        {
            ids.push(id);
        }
        match SecretId::new(url) {
            Ok(id) => ids.push(id),
            Err(error) if ids.is_empty() => {
                return Err(CommandError::new(
                    Kind::Usage,
                    format!("the server's address cannot be the id of a secret: {error}"),
                )
                .hint("name the secret with --id, or unset credential.useHttpPath for this server"));
            }
            Err(_) => {}
        }
        Ok(ids)
    }

    /// Whether a credential is one that git means. What it does not say, may be anything.
    pub(in crate::cli) fn fits(&self, stored: &Credential) -> bool {
        let said = &self.credential;
        let is_said = |said: &Option<SensitiveText>, stored: &Option<SensitiveText>| {
            said.as_ref().is_none_or(|said| {
                stored
                    .as_ref()
                    .is_some_and(|stored| stored.expose() == said.expose())
            })
        };
        (said.username.is_none() || said.username == stored.username)
            && is_said(&said.password, &stored.password)
            && is_said(&said.encoded, &stored.encoded)
    }

    /// The credential that git wants to have stored; none if it lets nobody in, or is for this one use.
    pub(in crate::cli) fn into_credential(self) -> Option<Credential> {
        (!self.is_ephemeral && self.credential.is_whole()).then_some(self.credential)
    }

    /// The answer to git: the credential, as far as this git takes it.
    pub(in crate::cli) fn answer(&self, credential: &Credential) -> SecretValue {
        let mut answer = SecretValue::default();
        let mut line = |key: &str, value: Option<&str>| {
            if let Some(value) = value {
                // Writing to memory does not fail.
                let _ = writeln!(answer, "{key}={value}");
            }
        };
        if self.takes_authtype && credential.authtype.is_some() {
            line("capability[]", Some("authtype"));
            line("authtype", credential.authtype.as_deref());
            line("credential", exposed(credential.encoded.as_ref()));
        }
        line("username", credential.username.as_deref());
        line("password", exposed(credential.password.as_ref()));
        line("password_expiry_utc", credential.password_expiry_utc.as_deref());
        line(
            "oauth_refresh_token",
            exposed(credential.oauth_refresh_token.as_ref()),
        );
        answer
    }
}

fn exposed(text: Option<&SensitiveText>) -> Option<&str> {
    text.map(|text| text.expose().as_str())
}

/// What lets a user into a server, as git has it.
#[derive(Debug, Default, Deserialize)]
pub(in crate::cli) struct Credential {
    pub(in crate::cli) username: Option<String>,
    #[serde(default, deserialize_with = "sensitive")]
    password: Option<SensitiveText>,
    /// When the password expires, in Unix seconds; git gives it back as it is.
    #[serde(default)]
    password_expiry_utc: Option<String>,
    /// What another helper of the user needs to get the next password.
    #[serde(default, deserialize_with = "sensitive")]
    oauth_refresh_token: Option<SensitiveText>,
    /// The scheme of `encoded`, such as `Bearer`.
    #[serde(default)]
    authtype: Option<String>,
    /// What is sent in place of a username and a password.
    #[serde(default, rename = "credential", deserialize_with = "sensitive")]
    encoded: Option<SensitiveText>,
}

fn sensitive<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<SensitiveText>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(SensitiveText::new))
}

#[derive(Serialize)]
struct Written<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password_expiry_utc: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    oauth_refresh_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authtype: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credential: Option<&'a str>,
}

impl Credential {
    /// The credential of what a person typed.
    pub(in crate::cli) fn new(username: String, password: SensitiveText) -> Self {
        Self {
            username: Some(username),
            password: Some(password),
            ..Self::default()
        }
    }

    /// Reads a secret of the type `git`; `None` if it is not one.
    pub(in crate::cli) fn from_value(value: &SecretValue) -> Option<Self> {
        // A list would be taken for an object too.
        let is_object = value.expose().trim_ascii_start().starts_with(b"{");
        let object = is_object.then_some(value.expose())?;
        let credential: Self = serde_json::from_slice(object).ok()?;
        // Git's lines cannot hold these.
        let fits = |text: Option<&str>| text.is_none_or(|text| !text.contains(['\n', '\r', '\0']));
        let written = credential.written();
        let all_fit = [
            written.username,
            written.password,
            written.password_expiry_utc,
            written.oauth_refresh_token,
            written.authtype,
            written.credential,
        ]
        .into_iter()
        .all(fits);
        (all_fit && credential.is_whole()).then_some(credential)
    }

    /// The user, for a message.
    pub(in crate::cli) fn user(&self) -> &str {
        self.username.as_deref().unwrap_or("a user without a name")
    }

    /// The secret that holds it.
    pub(in crate::cli) fn to_value(&self) -> anyhow::Result<SecretValue> {
        let mut value = SecretValue::default();
        serde_json::to_writer(&mut value, &self.written())?;
        Ok(value)
    }

    /// Whether it lets anybody in.
    const fn is_whole(&self) -> bool {
        self.username.is_some() && self.password.is_some()
            || self.authtype.is_some() && self.encoded.is_some()
    }

    fn written(&self) -> Written<'_> {
        Written {
            username: self.username.as_deref(),
            password: exposed(self.password.as_ref()),
            password_expiry_utc: self.password_expiry_utc.as_deref(),
            oauth_refresh_token: exposed(self.oauth_refresh_token.as_ref()),
            authtype: self.authtype.as_deref(),
            credential: exposed(self.encoded.as_ref()),
        }
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
        let value = given.into_credential().unwrap().to_value().unwrap();
        let credential = Credential::from_value(&value).unwrap();
        assert_eq!(
            Description::default().answer(&credential).expose(),
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
        assert!(description("username=u\n").into_credential().is_none());
        assert!(!format!("{:?}", description("password=canary")).contains("canary"));
    }

    #[test]
    fn what_git_keeps_with_a_credential_comes_back() {
        let lines = "username=u\npassword=p\npassword_expiry_utc=9\noauth_refresh_token=r=\n";
        let value = description(lines).into_credential().unwrap().to_value().unwrap();
        let stored = Credential::from_value(&value).unwrap();
        assert_eq!(Description::default().answer(&stored).expose(), lines.as_bytes());
        // Not every git takes a scheme of its own.
        let bearer = "capability[]=authtype\nauthtype=Bearer\ncredential=canary\n";
        let stored = description(bearer).into_credential().unwrap();
        assert!(!format!("{stored:?}").contains("canary"));
        let stored = Credential::from_value(&stored.to_value().unwrap()).unwrap();
        assert_eq!(
            description("capability[]=authtype\n").answer(&stored).expose(),
            bearer.as_bytes()
        );
        assert_eq!(description("").answer(&stored).expose(), b"");
        assert!(description(bearer).fits(&stored) && !description("credential=x").fits(&stored));
        // What is for one use is not stored.
        let once = description(&format!("{bearer}ephemeral=1\n"));
        assert!(once.into_credential().is_none());
    }

    #[test]
    fn an_id_that_is_too_long_is_left_out_or_named() {
        let url = format!("protocol=https\nhost=h\npath={}\n", "x".repeat(244));
        let ids = description(&format!("{url}username=user\n")).ids().unwrap();
        assert_eq!(ids.len(), 1);
        assert!(ids[0].as_str().starts_with("https://h/x"));
        let url = format!("protocol=https\nhost=h\npath={}\n", "x".repeat(250));
        let error = description(&url).ids().unwrap_err();
        assert!(error.to_string().contains("255"), "{error}");
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
