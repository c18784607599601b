//! Where a value comes from: a file, stdin, the command line or a hidden prompt. Bytes are taken as
//! they are.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;

use crate::cli::error::{CommandError, Kind};
use crate::cli::ui::Ui;
use crate::cli::ui::terminal;
use crate::cli::ui::text::escape;
use crate::sensitive::{SecretValue, Sensitive};
use crate::wire::MAX_PAYLOAD_BYTES;

/// Largest file of secrets, template or file of variables that is read, in bytes (1 GiB).
const MAX_FILE_BYTES: usize = 1 << 30;

/// Sources of a value; none of them means a hidden prompt on a terminal, else stdin.
#[derive(Debug, Args)]
#[command(next_help_heading = "Value")]
pub(in crate::cli) struct InputArgs {
    /// Read the value from a file, or from stdin with `-`
    #[arg(long = "in", short, value_name = "PATH", group = "source")]
    path: Option<PathBuf>,
    /// Take the value from the command line, where other users of this machine may see it
    #[arg(long, value_name = "TEXT", group = "source", allow_hyphen_values = true)]
    text: Option<Sensitive<String>>,
    /// Take the value from the command line in base64
    #[arg(long, value_name = "BASE64", group = "source", allow_hyphen_values = true)]
    base64: Option<Sensitive<String>>,
    /// Remove one newline from the value's end
    #[arg(long)]
    strip_newline: bool,
    /// Store an empty value
    #[arg(long)]
    allow_empty: bool,
}

impl From<&str> for Sensitive<String> {
    fn from(text: &str) -> Self {
        Self::new(text.to_owned())
    }
}

impl InputArgs {
    /// Reads the value.
    pub(in crate::cli) async fn read(&self, ui: &Ui, prompt: &str) -> anyhow::Result<SecretValue> {
        let mut value = self.read_source(ui, prompt).await?;
        if self.strip_newline {
            value = without_newline(value);
        }
        if value.expose().is_empty() && !self.allow_empty {
            return Err(CommandError::new(Kind::Usage, "the value is empty")
                .hint("pass --allow-empty if that is what you want")
                .into());
        }
        Ok(value)
    }

    async fn read_source(&self, ui: &Ui, prompt: &str) -> anyhow::Result<SecretValue> {
        if let Some(text) = &self.text {
            return Ok(text.expose().as_bytes().to_vec().into());
        }
        if let Some(text) = &self.base64 {
            let bytes = STANDARD.decode(text.expose().trim()).map_err(|error| {
                CommandError::new(
                    Kind::Usage,
                    format!("--base64 is not base64: {}", base64_fault(&error)),
                )
                .hint("give standard base64 with its padding, as `base64 -w0` writes it")
            })?;
            return Ok(bytes.into());
        }
        match &self.path {
            Some(path) if path != Path::new("-") => read_file(path, Limit::Value).await,
            Some(_) => self.read_stdin(ui).await,
            None if !io::stdin().is_terminal() => self.read_stdin(ui).await,
            None if !ui.prompts_allowed() => Err(CommandError::new(Kind::Usage, "no value was given")
                .hint("give it with --in PATH, or on stdin")
                .into()),
            None => terminal::hidden(ui, prompt, "give it with --in PATH, or through a pipe").await,
        }
    }

    async fn read_stdin(&self, ui: &Ui) -> anyhow::Result<SecretValue> {
        let value = read_stdin(Limit::Value).await?;
        let bytes = value.expose();
        if !self.strip_newline && bytes.ends_with(b"\n") && std::str::from_utf8(bytes).is_ok() {
            ui.note("note: the value ends in a newline, which is kept; --strip-newline removes it");
        }
        Ok(value)
    }
}

/// Says what is wrong without repeating any of it.
const fn base64_fault(error: &base64::DecodeError) -> &'static str {
    match error {
        base64::DecodeError::InvalidByte(..) => "it has a character that base64 does not use",
        base64::DecodeError::InvalidLength(_) => "its length is wrong",
        base64::DecodeError::InvalidLastSymbol { .. } => "its last character is wrong",
        base64::DecodeError::InvalidPadding => "its padding is wrong",
    }
}

/// A file that was read whole.
#[derive(Debug)]
pub(in crate::cli) struct NamedContent {
    pub(in crate::cli) content: SecretValue,
    /// What messages call it: its path, fit for a terminal, or `stdin`.
    pub(in crate::cli) name: String,
}

/// Reads the file, or stdin where the path is `-`: the one place that knows what `-` means.
pub(in crate::cli) async fn read_file_or_stdin(path: &Path, limit: Limit) -> anyhow::Result<NamedContent> {
    let (content, name) = if path == Path::new("-") {
        (read_stdin(limit).await?, "stdin".to_owned())
    } else {
        (read_file(path, limit).await?, escape(&path.to_string_lossy()))
    };
    Ok(NamedContent { content, name })
}

/// How much is read.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) enum Limit {
    /// What a room takes as a value.
    Value,
    /// A file that may hold many values.
    File,
}

impl Limit {
    const fn bytes(self) -> usize {
        match self {
            Self::Value => MAX_PAYLOAD_BYTES,
            Self::File => MAX_FILE_BYTES,
        }
    }

    fn exceeded(self) -> CommandError {
        let mebibytes = self.bytes() >> 20;
        CommandError::new(
            Kind::Usage,
            match self {
                Self::Value => format!("the value is larger than a room takes ({mebibytes} MiB)"),
                Self::File => format!("the file is larger than is read ({mebibytes} MiB)"),
            },
        )
    }
}

/// Reads a whole file.
pub(in crate::cli) async fn read_file(path: &Path, limit: Limit) -> anyhow::Result<SecretValue> {
    let path = path.to_owned();
    // On a thread of its own: it may be a pipe, and Ctrl-C is noticed meanwhile.
    tokio::task::spawn_blocking(move || read_file_here(&path, limit)).await?
}

fn read_file_here(path: &Path, limit: Limit) -> anyhow::Result<SecretValue> {
    let file = File::open(path).map_err(|error| {
        CommandError::new(
            Kind::Failed,
            format!("{} cannot be read: {error}", path.display()),
        )
        .hint("check the path, and the file's permissions")
    })?;
    read_all(file, limit).with_context(|| format!("{} cannot be read", path.display()))
}

/// Reads stdin to its end.
pub(in crate::cli) async fn read_stdin(limit: Limit) -> anyhow::Result<SecretValue> {
    // On a thread of its own, so that Ctrl-C is noticed meanwhile.
    let read = tokio::task::spawn_blocking(move || read_all(io::stdin().lock(), limit)).await?;
    read.context("stdin cannot be read")
}

/// Reads to the end, but no more than the limit.
fn read_all(source: impl Read, limit: Limit) -> anyhow::Result<SecretValue> {
    let mut value = SecretValue::default().into_exposed();
    let most = u64::try_from(limit.bytes()).unwrap_or(u64::MAX);
    let read = source.take(most.saturating_add(1)).read_to_end(&mut value);
    let value = SecretValue::new(value);
    read?;
    if value.expose().len() > limit.bytes() {
        return Err(limit.exceeded().into());
    }
    Ok(value)
}

pub(in crate::cli) fn without_newline(value: SecretValue) -> SecretValue {
    let mut bytes = value.into_exposed();
    if bytes.ends_with(b"\n") {
        bytes.pop();
        if bytes.ends_with(b"\r") {
            bytes.pop();
        }
    }
    bytes.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_newline_is_removed() {
        for (value, stripped) in [
            ("a\n", "a"),
            ("a\r\n", "a"),
            ("a\n\n", "a\n"),
            ("a\r", "a\r"),
            ("\n", ""),
        ] {
            let value = without_newline(value.as_bytes().to_vec().into());
            assert_eq!(value.expose(), stripped.as_bytes());
        }
    }
}
