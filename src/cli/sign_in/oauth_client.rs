//! An OAuth client and its provider, as the command line gives them.

use std::io;
use std::path::Path;
use std::str::FromStr;

use clap::Args;

use super::AuthorizationParameters;
use crate::cli::args::input::{Limit, read_file, read_stdin, without_newline};
use crate::cli::error::{CommandError, Kind};
use crate::cli::ui::Ui;
use crate::cli::ui::terminal;
use crate::oauth::{OAuthScope, ScopeError};
use crate::sensitive::{SecretValue, Sensitive, SensitiveText, SerializableText};
use crate::wire::HttpEndpoint;
use crate::wire::secrets::oauth::OAuthClientConfig;

/// The client, and where its provider is.
#[derive(Debug, Args)]
#[command(next_help_heading = "Client")]
pub(in crate::cli) struct OAuthClientArgs {
    /// Id of the client at the provider
    #[arg(long, value_name = "ID")]
    client_id: String,
    /// Its secret, if it has one: from a file with @FILE, from stdin with -, or asked for at the terminal
    /// where the value is left out; as it is here, other users of this machine may see it
    #[arg(long, value_name = "SECRET", num_args = 0..=1)]
    client_secret: Option<Vec<Sensitive<String>>>,
    /// Where one signs in at the provider
    #[arg(long, value_name = "URL")]
    authorization_endpoint: HttpEndpoint,
    /// Where the room server gets tokens from the provider
    #[arg(long, value_name = "URL")]
    token_endpoint: HttpEndpoint,
    /// What the token is to be good for, with commas or spaces between; may be repeated
    #[arg(long, value_name = "SCOPES")]
    scopes: Vec<Scopes>,
    /// Use PKCE, as without this flag
    #[arg(long, conflicts_with = "no_pkce")]
    pkce: bool,
    /// Leave out PKCE, for a provider that refuses it
    #[arg(long)]
    no_pkce: bool,
}

/// Scopes that were given at once.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Scopes(Vec<OAuthScope>);

impl FromStr for Scopes {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let words = text.split([',', ' ']).filter(|word| !word.is_empty());
        words.map(OAuthScope::new).collect::<Result<_, _>>().map(Self)
    }
}

impl OAuthClientArgs {
    /// The client as the room server gets it. Reads the secret.
    pub(in crate::cli) async fn read(&self, ui: &Ui) -> anyhow::Result<OAuthClientConfig> {
        let client_secret = match &self.client_secret {
            None => None,
            Some(given) => secret(given.first(), ui).await?,
        };
        let scopes = self.scopes().iter().map(ToString::to_string).collect();
        Ok(OAuthClientConfig {
            client_id: self.client_id.clone(),
            client_secret: client_secret.map(SerializableText),
            authorization_endpoint: self.authorization_endpoint.to_string(),
            token_endpoint: self.token_endpoint.to_string(),
            no_pkce: Some(self.no_pkce),
            scopes: Some(scopes),
        })
    }

    /// The client as a browser gets it. The challenge is not known yet.
    pub(in crate::cli) fn parameters(&self) -> AuthorizationParameters {
        AuthorizationParameters {
            endpoint: self.authorization_endpoint.clone(),
            client_id: self.client_id.clone(),
            scopes: self.scopes(),
            challenge: None,
            redirect_uri: None,
        }
    }

    /// Each scope once, in the order that they were given.
    fn scopes(&self) -> Vec<OAuthScope> {
        let mut scopes = Vec::new();
        for scope in self.scopes.iter().flat_map(|given| &given.0) {
            if !scopes.contains(scope) {
                scopes.push(scope.clone());
            }
        }
        scopes
    }
}

/// The secret of a client. One that is empty on the command line is none.
async fn secret(given: Option<&Sensitive<String>>, ui: &Ui) -> anyhow::Result<Option<SensitiveText>> {
    let given = given.map(|given| given.expose().as_str());
    let text = match given.map(|given| given.strip_prefix('@').ok_or(given)) {
        Some(Ok(path)) => text(read_file(Path::new(path), Limit::Value).await?)?,
        Some(Err("")) => return Ok(None),
        Some(Err("-")) => text(read_stdin(Limit::Value).await?)?,
        Some(Err(secret)) => {
            ui.warn(
                "other users of this machine may see the client secret on the command line; give it with --client-secret @FILE",
            );
            secret.to_owned().into()
        }
        None if !ui.can_ask_beside_stdin() => {
            return Err(
                CommandError::new(Kind::Usage, "there is no terminal to ask for the client secret")
                    .hint("give it with --client-secret @FILE, or on stdin with --client-secret -")
                    .into(),
            );
        }
        None => {
            let otherwise = "give it with --client-secret @FILE, or on stdin with --client-secret -";
            text(terminal::hidden(ui, "Client secret (not shown): ", otherwise).await?)?
        }
    };
    if text.expose().is_empty() || !text.expose().bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(CommandError::new(
            Kind::Usage,
            "the client secret is empty, or has characters that no client secret has",
        )
        .hint("leave --client-secret out for a client without one")
        .into());
    }
    Ok(Some(text))
}

/// A secret that was read from a file or a pipe: the newline that ends it there is not of it.
fn text(value: SecretValue) -> anyhow::Result<SensitiveText> {
    let bytes = without_newline(value).into_exposed();
    let text = String::from_utf8(bytes).map_err(|error| {
        let _ = SecretValue::new(error.into_bytes());
        io::Error::new(io::ErrorKind::InvalidData, "the client secret is not text")
    })?;
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_stand_between_commas_and_spaces() {
        let read = |text: &str| {
            text.parse::<Scopes>()
                .map(|scopes| OAuthScope::write_list(&scopes.0))
        };
        assert_eq!(read("a,b c, d ").as_deref(), Ok("a b c d"));
        assert_eq!(read("").as_deref(), Ok(""));
        assert_eq!(read("a\"").unwrap_err(), ScopeError::BadCharacter);
    }
}
