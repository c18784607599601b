//! A token that is given to a command.

use crate::cli::args::input::{Limit, read_stdin, without_newline};
use crate::cli::error::{CommandError, Kind};
use crate::sensitive::SensitiveText;

/// Longest id of a token that is revoked, in bytes.
const MAX_ID_BYTES: usize = 255;

/// Reads a token from stdin.
pub(super) async fn token_from_stdin() -> anyhow::Result<SensitiveText> {
    let value = without_newline(read_stdin(Limit::Value).await?);
    let text = std::str::from_utf8(value.expose()).map(str::trim);
    match text {
        Ok(text) if !text.is_empty() => Ok(text.into()),
        _ => Err(CommandError::new(Kind::Usage, "there is no token on stdin")
            .hint("give it there, as in `< FILE`")
            .into()),
    }
}

/// Refuses a whole token where an id belongs, and says nothing of it.
pub(super) fn check_is_no_token(id: &str) -> anyhow::Result<()> {
    if id.split('.').count() == 3 {
        return Err(
            CommandError::new(Kind::Usage, "this is a token, and not the id of one")
                .hint("pass the token on stdin: meshagent token revoke - < FILE")
                .into(),
        );
    }
    if id.is_empty() || id.len() > MAX_ID_BYTES || id.chars().any(char::is_control) {
        return Err(CommandError::new(Kind::Usage, "this is not the id of a token")
            .hint("`meshagent token inspect` shows the id")
            .into());
    }
    Ok(())
}
