//! Where a value comes from that is given without asking: a file, a secret of one's own, the
//! environment.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::cli::args::input::{Limit, read_file};
use crate::cli::context::Context;
use crate::cli::ui::text::{escape, escape_name};
use crate::secrets::{GetOptions, SecretsClient};
use crate::sensitive::SecretValue;
use crate::settings::Environment;
use crate::wire::SecretId;

/// Where a value comes from. It is read anew for every request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    File(PathBuf),
    Id(SecretId),
    Environment(String),
}

/// Why a text names no source. The text is not repeated: it may be a value that was given by mistake.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SourceError {
    #[error("the source is empty")]
    Empty,
    #[error("what stands after `id:` is no id of a secret: {0}")]
    BadId(#[from] crate::wire::NameError),
    #[error("the file that is the source cannot be read: {0}")]
    NoFile(String),
    #[error("the source is a directory")]
    Directory,
    #[error("the variable after `env:` is not set, or empty")]
    NoVariable,
}

impl Source {
    /// Reads `file:PATH`, a bare path, `id:SECRET_ID` or `env:NAME`; paths start from `directory`. What can
    /// be checked without looking at the value is checked.
    pub(super) fn parse(
        text: &str,
        directory: &Path,
        environment: &Environment,
    ) -> Result<Self, SourceError> {
        let (kind, rest) = match text.split_once(':') {
            Some((kind @ ("file" | "id" | "env"), rest)) => (kind, rest),
            _ => ("file", text),
        };
        if rest.is_empty() {
            return Err(SourceError::Empty);
        }
        match kind {
            "id" => Ok(Self::Id(SecretId::new(rest)?)),
            "env" if environment.os(rest).is_none() => Err(SourceError::NoVariable),
            "env" => Ok(Self::Environment(rest.to_owned())),
            _ => {
                let path = directory.join(rest);
                match std::fs::metadata(&path) {
                    Err(error) => Err(SourceError::NoFile(error.to_string())),
                    Ok(found) if found.is_dir() => Err(SourceError::Directory),
                    Ok(_) => Ok(Self::File(path)),
                }
            }
        }
    }

    /// The value as it is now.
    pub(super) async fn read(
        &self,
        context: &Context,
        secrets: &SecretsClient,
    ) -> anyhow::Result<SecretValue> {
        match self {
            Self::File(path) => read_file(path, Limit::Value).await,
            Self::Id(id) => {
                let secret = secrets.get_secret(id, GetOptions::default()).await?;
                let secret =
                    secret.with_context(|| format!("you have no secret `{}`", escape_name(id.as_str())))?;
                Ok(secret.value)
            }
            Self::Environment(name) => {
                let value = context.environment.os(name).context("the variable is not set")?;
                Ok(value.as_encoded_bytes().to_vec().into())
            }
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file:{}", escape(&path.display().to_string())),
            Self::Id(id) => write!(f, "id:{}", escape_name(id.as_str())),
            Self::Environment(name) => write!(f, "env:{}", escape(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a:b");
        std::fs::write(&file, "x").unwrap();
        let environment = Environment::from_pairs([("SET", "x"), ("EMPTY", "")]);
        let parse = |text: &str| Source::parse(text, directory.path(), &environment);
        assert_eq!(parse("a:b"), Ok(Source::File(file.clone())));
        assert_eq!(parse("file:a:b"), Ok(Source::File(file.clone())));
        assert_eq!(parse(file.to_str().unwrap()), Ok(Source::File(file)));
        assert_eq!(
            parse("id:db/password"),
            Ok(Source::Id(SecretId::new("db/password").unwrap()))
        );
        assert_eq!(parse("env:SET"), Ok(Source::Environment("SET".to_owned())));
        for text in [
            "",
            "file:",
            "id:",
            "env:",
            "env:EMPTY",
            "env:GONE",
            "gone",
            "file:.",
            "id:a\nb",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
