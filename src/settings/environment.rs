//! The environment: variables, home directory and user name, read once.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use super::SettingsError;

/// Variables with a credential of this program, or with a key that protects one. Programs that are started for the
/// user do not inherit them.
pub const CREDENTIAL_VARIABLES: [&str; 4] = [
    "MESHAGENT_API_KEY",
    "MESHAGENT_TOKEN",
    "MESHAGENT_KEY",
    "MESHAGENT_OAUTH_CLIENT_SECRET",
];

/// The environment that settings are taken from. `Debug` shows the names of the variables, not their values.
///
/// [`Environment::from_process`] copies the process's environment, and nothing else reads it. Tests use
/// [`Environment::from_pairs`].
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
    account_home: Option<PathBuf>,
    account_name: Option<fn() -> Option<String>>,
}

impl Environment {
    /// The environment of this process.
    pub fn from_process() -> Self {
        Self {
            variables: std::env::vars_os().collect(),
            account_home: etcetera::home_dir().ok(),
            account_name: Some(account_name),
        }
    }

    /// An environment of these variables alone: no home directory and no user name of an account.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let variables = pairs
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        Self {
            variables,
            ..Self::default()
        }
    }

    /// The text of a variable. An empty variable counts as unset, and so does one that is not UTF-8; use
    /// [`Environment::text`] where that is an error.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.os(name)?.to_str()
    }

    /// The text of a variable. An empty variable counts as unset.
    ///
    /// # Errors
    /// [`SettingsError::NotUtf8`], with the name of the variable.
    pub fn text(&self, name: &'static str) -> Result<Option<&str>, SettingsError> {
        self.os(name)
            .map(|value| value.to_str().ok_or(SettingsError::NotUtf8 { name }))
            .transpose()
    }

    /// Whether a switch is on: `1` and `true` are on; `0`, `false`, empty and unset are off.
    ///
    /// # Errors
    /// [`SettingsError::BadSwitch`] for other values.
    pub fn switch(&self, name: &'static str) -> Result<bool, SettingsError> {
        match self.text(name)? {
            Some("1" | "true") => Ok(true),
            None | Some("0" | "false") => Ok(false),
            Some(_) => Err(SettingsError::BadSwitch { name }),
        }
    }

    /// The names of the variables that are set and UTF-8.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let set = self.variables.iter().filter(|(_, value)| !value.is_empty());
        set.filter_map(|(name, _)| name.to_str())
    }

    /// The home directory: `HOME`, else the account's.
    pub fn home(&self) -> Option<&Path> {
        self.os("HOME").map(Path::new).or(self.account_home.as_deref())
    }

    /// The user's name: `USER`, `LOGNAME` or `USERNAME`, else, on Unix, the name in `/etc/passwd`.
    pub fn user_name(&self) -> Option<String> {
        let named = ["USER", "LOGNAME", "USERNAME"]
            .into_iter()
            .find_map(|name| self.get(name));
        named
            .map(str::to_owned)
            .or_else(|| self.account_name.and_then(|look_up| look_up()))
    }

    /// The data directory: `MESHAGENT_DATA_DIR`, else `meshagent` in the platform's directory for data
    /// (`XDG_DATA_HOME` or `~/.local/share`; on Windows `APPDATA`). A relative `XDG_DATA_HOME` is ignored (XDG Base
    /// Directory Specification). The directory is not made.
    ///
    /// # Errors
    /// [`SettingsError::NoHome`].
    pub fn data_dir(&self) -> Result<PathBuf, SettingsError> {
        if let Some(path) = self.os("MESHAGENT_DATA_DIR") {
            return Ok(path.into());
        }
        let (variable, default) = if cfg!(windows) {
            ("APPDATA", "AppData/Roaming")
        } else {
            ("XDG_DATA_HOME", ".local/share")
        };
        let base = match self.os(variable).map(Path::new).filter(|path| path.is_absolute()) {
            Some(path) => path.to_owned(),
            None => self.home().ok_or(SettingsError::NoHome)?.join(default),
        };
        Ok(base.join("meshagent"))
    }

    /// The variables that programs inherit which are started for the user: all but [`CREDENTIAL_VARIABLES`].
    pub fn inheritable(&self) -> BTreeMap<OsString, OsString> {
        let mut variables = self.variables.clone();
        for name in CREDENTIAL_VARIABLES {
            variables.remove(OsStr::new(name));
        }
        variables
    }

    /// The value of a variable. An empty variable counts as unset.
    pub fn os(&self, name: &str) -> Option<&OsStr> {
        self.variables
            .get(OsStr::new(name))
            .map(OsString::as_os_str)
            .filter(|value| !value.is_empty())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

/// The name of the account that runs this process.
#[cfg(unix)]
fn account_name() -> Option<String> {
    let uid = rustix::process::getuid().as_raw().to_string();
    std::fs::read_to_string("/etc/passwd")
        .ok()?
        .lines()
        .find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            (fields.nth(1)? == uid).then(|| name.to_owned())
        })
}

#[cfg(not(unix))]
fn account_name() -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_is_unset() {
        let env = Environment::from_pairs([("A", ""), ("B", "b")]);
        assert_eq!(
            (env.get("A"), env.get("B"), env.get("C")),
            (None, Some("b"), None)
        );
    }

    #[test]
    fn switches() {
        for (value, expected) in [
            ("1", Some(true)),
            ("true", Some(true)),
            ("0", Some(false)),
            ("false", Some(false)),
            ("", Some(false)),
        ] {
            assert_eq!(
                Environment::from_pairs([("S", value)]).switch("S").ok(),
                expected,
                "{value}"
            );
        }
        for value in ["yes", "TRUE", "2"] {
            let error = Environment::from_pairs([("S", value)]).switch("S").unwrap_err();
            assert!(matches!(error, SettingsError::BadSwitch { name: "S" }), "{value}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_not_utf8_does_not_go_unnoticed() {
        use std::os::unix::ffi::OsStringExt;
        let mut env = Environment::default();
        env.variables.insert("T".into(), OsString::from_vec(vec![0xff]));
        assert_eq!(env.get("T"), None);
        assert!(matches!(env.text("T"), Err(SettingsError::NotUtf8 { name: "T" })));
    }

    #[cfg(not(windows))]
    #[test]
    fn the_data_directory() {
        for (pairs, expected) in [
            (
                vec![
                    ("MESHAGENT_DATA_DIR", "/d"),
                    ("XDG_DATA_HOME", "/x"),
                    ("HOME", "/h"),
                ],
                Some("/d"),
            ),
            (
                vec![("XDG_DATA_HOME", "/x"), ("HOME", "/h")],
                Some("/x/meshagent"),
            ),
            (
                vec![("XDG_DATA_HOME", "x"), ("HOME", "/h")],
                Some("/h/.local/share/meshagent"),
            ),
            (vec![("HOME", "/h")], Some("/h/.local/share/meshagent")),
            (vec![], None),
        ] {
            assert_eq!(
                Environment::from_pairs(pairs).data_dir().ok(),
                expected.map(PathBuf::from)
            );
        }
    }

    #[test]
    fn the_user_has_a_name() {
        let name = |pairs: &[(&str, &str)]| Environment::from_pairs(pairs.iter().copied()).user_name();
        assert_eq!(name(&[("LOGNAME", "l"), ("USER", "u")]).as_deref(), Some("u"));
        assert_eq!(name(&[("LOGNAME", "l"), ("USER", "")]).as_deref(), Some("l"));
        assert_eq!(name(&[]), None);
    }

    #[test]
    fn credentials_are_not_inherited() {
        let pairs = CREDENTIAL_VARIABLES.map(|name| (name, "canary"));
        let env = Environment::from_pairs(pairs.into_iter().chain([("MESHAGENT_ROOM", "r"), ("EMPTY", "")]));
        let inherited: Vec<_> = env.inheritable().into_keys().collect();
        assert_eq!(inherited, ["EMPTY", "MESHAGENT_ROOM"]);
    }

    #[test]
    fn debug_shows_names_only() {
        let env = Environment::from_pairs([("MESHAGENT_TOKEN", "canary")]);
        assert_eq!(format!("{env:?}"), r#"{"MESHAGENT_TOKEN"}"#);
    }
}
