//! The source of the key that protects all others.

use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::StoreError;
use super::key_command::KeyCommand;
use super::passphrase::Stretching;
use super::seal::Key;
use crate::fs::private::{self, ReadError};
use crate::fs::secret_file::{self, Readers};
use crate::fs::{Existing, sync_directory, write_atomic};
use crate::sensitive::SensitiveText;

const KEY_FILE: &str = "store.key";
/// Its name until it takes the place of the former one.
const NEW_KEY_FILE: &str = "store.key.new";
const MAX_KEY_FILE_BYTES: usize = 256;

/// The source of the key. A key is 32 bytes, written in base64 or hex.
#[derive(Debug, Clone, Default)]
pub enum KeySource {
    /// A file that only this user may read (mode 0600 or stricter), or a container's secret: one of root's, reached over
    /// symbolic links that other users cannot change.
    File(PathBuf),
    /// A systemd credential: the file in `$CREDENTIALS_DIRECTORY`, guarded by systemd.
    SystemdCredential(PathBuf),
    /// A program that prints the key.
    Command(KeyCommand),
    /// A passphrase, stretched with Argon2id.
    Passphrase(SensitiveText),
    /// A variable of the environment, which other processes of the same user can read.
    Environment(SensitiveText),
    /// `store.key` beside the database. Created with the database, never for one that exists.
    #[default]
    Default,
}

impl KeySource {
    /// The name of the source, which the database records for error messages.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::File(_) => "a key file",
            Self::SystemdCredential(_) => "a systemd credential",
            Self::Command(_) => "a command",
            Self::Passphrase(_) => "a passphrase",
            Self::Environment(_) => "the environment",
            Self::Default => "the key file in the data directory",
        }
    }

    /// Makes a file with a new key, mode 0600, unless there is one of that name.
    ///
    /// # Errors
    /// [`StoreError::Io`]; [`StoreError::Random`].
    pub fn make_file(path: &Path) -> Result<(), StoreError> {
        if path.symlink_metadata().is_ok() {
            return Ok(());
        }
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *key)?;
        write_file(path, &key)
    }

    /// The file of the key, if other users of this system can read it and it is read all the same: see
    /// [`KeySource::File`].
    pub fn file_that_others_read(&self) -> Option<&Path> {
        match self {
            Self::File(path) => match secret_file::read(path, MAX_KEY_FILE_BYTES) {
                Ok((_, Readers::AllUsers)) => Some(path),
                _ => None,
            },
            _ => None,
        }
    }

    /// For a new database: the parameters that stretch the passphrase, if the source is one.
    pub(super) fn stretching(&self) -> Result<Option<Stretching>, StoreError> {
        matches!(self, Self::Passphrase(_))
            .then(Stretching::new)
            .transpose()
    }

    /// For a new database: creates the default key file, if that is the source and the file does not exist.
    pub(super) fn prepare(&self, directory: &Path) -> Result<(), StoreError> {
        if !matches!(self, Self::Default) {
            return Ok(());
        }
        Self::make_file(&directory.join(KEY_FILE))
    }

    /// The file that [`KeySource::prepare`] creates in `directory`, if it creates one.
    pub(super) fn made_file(&self, directory: &Path) -> Option<PathBuf> {
        matches!(self, Self::Default).then(|| directory.join(KEY_FILE))
    }

    /// What the source gives, for a database in `directory` that was created with a key from `made_with`.
    pub(super) fn read(&self, directory: &Path, made_with: &str) -> Result<SourceKey, StoreError> {
        let key = match self {
            Self::File(path) => parse_key(
                path,
                secret_file::read(path, MAX_KEY_FILE_BYTES).map(|(content, _)| content),
            ),
            Self::Command(command) => command.key(parse),
            Self::SystemdCredential(path) => parse_key(
                path,
                private::read(path, MAX_KEY_FILE_BYTES, private::check_regular),
            ),
            Self::Passphrase(passphrase) => return Ok(SourceKey::Passphrase(passphrase.clone())),
            Self::Environment(text) => {
                parse(text.expose()).ok_or_else(|| bad_key("the environment", &NOT_A_KEY))
            }
            Self::Default => {
                let path = directory.join(KEY_FILE);
                match parse_key(
                    &path,
                    private::read(&path, MAX_KEY_FILE_BYTES, private::check_file),
                ) {
                    Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                        Err(StoreError::KeyMissing {
                            path,
                            made_with: made_with.to_owned(),
                        })
                    }
                    outcome => outcome,
                }
            }
        };
        key.map(SourceKey::Key)
    }
}

/// What a [`KeySource`] gave.
pub(super) enum SourceKey {
    Key(Key),
    /// A passphrase, of which each slot makes a key with its own parameters.
    Passphrase(SensitiveText),
}

impl SourceKey {
    /// The key for a slot whose source is `made_with`. Takes a tenth of a second for a passphrase.
    ///
    /// # Errors
    /// [`StoreError::WrongKey`] for a passphrase if the slot has no parameters for one.
    pub(super) fn for_slot(
        &self,
        made_with: &str,
        stretching: Option<&Stretching>,
    ) -> Result<Key, StoreError> {
        match (self, stretching) {
            (Self::Key(key), _) => Ok(key.clone()),
            (Self::Passphrase(passphrase), Some(stretching)) => stretching.key(passphrase),
            (Self::Passphrase(_), None) => Err(StoreError::WrongKey {
                made_with: made_with.to_owned(),
            }),
        }
    }
}

/// Makes a key file that is to be the default one in `directory`, unless an unfinished change has left one, and returns
/// its path.
pub(super) fn make_next_default(directory: &Path) -> Result<PathBuf, StoreError> {
    let path = directory.join(NEW_KEY_FILE);
    KeySource::make_file(&path)?;
    Ok(path)
}

/// Lets the file that [`make_next_default`] made be the default key file.
pub(super) fn activate_next_default(directory: &Path) -> Result<(), StoreError> {
    let path = directory.join(NEW_KEY_FILE);
    std::fs::rename(&path, directory.join(KEY_FILE))
        .and_then(|()| sync_directory(directory))
        .map_err(|error| StoreError::io("rename", &path, error))
}

/// Writes `key` to the default key file in `directory`, unless there is one.
pub(super) fn write_key(directory: &Path, key: &Key) -> Result<(), StoreError> {
    write_file(&directory.join(KEY_FILE), key)
}

fn write_file(path: &Path, key: &Key) -> Result<(), StoreError> {
    let mut text = Zeroizing::new(STANDARD.encode(**key));
    text.push('\n');
    match write_atomic(path, text.as_bytes(), Existing::Keep) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(StoreError::io("create", path, error))
        }
        _ => Ok(()),
    }
}

const NOT_A_KEY: &str = "it is not 32 bytes in base64 or hex";

fn bad_key(origin: &str, reason: &impl ToString) -> StoreError {
    StoreError::BadKey {
        origin: origin.to_owned(),
        reason: reason.to_string(),
    }
}

/// The key in what was read of the file `path`.
fn parse_key(path: &Path, content: Result<Zeroizing<Vec<u8>>, ReadError>) -> Result<Key, StoreError> {
    let origin = path.display().to_string();
    let content = content.map_err(|error| match error {
        ReadError::Io(error) => StoreError::io("read", path, error),
        error => bad_key(&origin, &error),
    })?;
    str::from_utf8(&content)
        .ok()
        .and_then(parse)
        .ok_or_else(|| bad_key(&origin, &NOT_A_KEY))
}

/// A key in hex or in base64, standard or URL-safe, padded or not, with white space around it.
fn parse(text: &str) -> Option<Key> {
    let text = text.trim();
    if text.len() == 64 {
        return parse_hex(text);
    }
    let standard: Zeroizing<String> = Zeroizing::new(
        text.trim_end_matches('=')
            .chars()
            .map(|character| match character {
                '-' => '+',
                '_' => '/',
                other => other,
            })
            .collect(),
    );
    let bytes = Zeroizing::new(
        base64::engine::general_purpose::STANDARD_NO_PAD
            .decode(&*standard)
            .ok()?,
    );
    Some(Key::new(bytes.as_slice().try_into().ok()?))
}

fn parse_hex(text: &str) -> Option<Key> {
    let mut key = Key::new([0; 32]);
    for (byte, digits) in key.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let digit = |at: usize| char::from(*digits.get(at)?).to_digit(16);
        *byte = u8::try_from(digit(0)? * 16 + digit(1)?).ok()?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_in_every_usual_form() {
        let expected = [0xfb; 32];
        let padded = STANDARD.encode(expected);
        let forms = [
            format!("{padded}\n"),
            padded.replace('=', ""),
            padded.replace('+', "-").replace('/', "_"),
            "fb".repeat(32),
            format!("{}\r\n", "FB".repeat(32)),
        ];
        for form in forms {
            assert_eq!(*parse(&form).unwrap(), expected, "{form:?}");
        }
        for bad in [
            "",
            "abc",
            &"zz".repeat(32),
            &STANDARD.encode([1; 31]),
            &STANDARD.encode([1; 33]),
        ] {
            assert!(parse(bad).is_none(), "{bad:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_key_file_that_is_not_ours_alone_is_refused() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        std::fs::write(&path, "ab".repeat(32)).unwrap();
        let read = |path: PathBuf| KeySource::File(path).read(directory.path(), "");
        for (mode, accepted) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(read(path.clone()).is_ok(), accepted, "{mode:o}");
        }
        let link = directory.path().join("link");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        symlink(&path, &link).unwrap();
        assert!(read(link.clone()).is_ok());
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        let refused = read(link).err().unwrap();
        assert!(
            refused.to_string().contains("other users have access"),
            "{refused}"
        );
        assert!(matches!(
            read(directory.path().to_owned()),
            Err(StoreError::BadKey { .. })
        ));
        assert!(matches!(
            read(directory.path().join("none")),
            Err(StoreError::Io { .. })
        ));
        std::fs::write(&path, "x".repeat(300)).unwrap();
        assert!(matches!(read(path), Err(StoreError::BadKey { .. })));
    }
}
