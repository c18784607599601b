//! An OAuth client at its provider, and the ids and names of its credentials.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use url::Url;

use crate::net::authority;
use crate::oauth::OAuthScope;
use crate::wire::{MAX_NAME_BYTES, SecretId};

/// Prefix of the ids of credentials. No other secret's id starts with it.
pub(in crate::server) const CREDENTIAL_ID_PREFIX: &str = "oauth:";

/// Longest part of the provider's host in an id, in characters. It is for people to read; the digest identifies the
/// client.
const MAX_HOST_BYTES: usize = 80;

/// Bytes of a digest that an id contains.
const DIGEST_BYTES: usize = 12;

/// An OAuth client at its provider. A credential is found by its client, its owner and its delegate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::server) struct ClientAtProvider {
    pub(in crate::server) client_id: String,
    /// Unchanged, because grants name it character by character.
    pub(in crate::server) authorization_endpoint: String,
    pub(in crate::server) token_endpoint: Url,
}

impl ClientAtProvider {
    /// The start of the ids of its credentials.
    pub(super) fn id_start(&self) -> String {
        let host: String = authority(&self.token_endpoint)
            .chars()
            .take(MAX_HOST_BYTES)
            .collect();
        let digest = digest([
            self.client_id.as_str(),
            &self.authorization_endpoint,
            self.token_endpoint.as_str(),
        ]);
        format!("{CREDENTIAL_ID_PREFIX}{host}/{digest}/")
    }

    /// The id of the credential that was requested with the scopes `asked`. None if the endpoint's host cannot be
    /// part of an id.
    pub(in crate::server) fn id(&self, asked: &[OAuthScope]) -> Option<SecretId> {
        let scopes: BTreeSet<&OAuthScope> = asked.iter().collect();
        let digest = digest(scopes.into_iter().map(OAuthScope::as_str));
        SecretId::new(format!("{}{digest}", self.id_start())).ok()
    }

    /// The name of a credential, for people to read: the provider's host, the client, the scopes.
    pub(super) fn name(&self, scopes: &[OAuthScope]) -> String {
        let (host, client) = (authority(&self.token_endpoint), &self.client_id);
        let mut name = format!("{host}, client {client}");
        if !scopes.is_empty() {
            name = format!("{name}: {}", OAuthScope::write_list(scopes));
        }
        let fits = |c: &char| !c.is_control();
        let mut bytes = 0_usize;
        name.chars()
            .filter(fits)
            .take_while(|c| {
                bytes = bytes.saturating_add(c.len_utf8());
                bytes <= MAX_NAME_BYTES
            })
            .collect()
    }
}

/// The first [`DIGEST_BYTES`] of SHA-256 over texts, each preceded by its length.
fn digest<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    let digest = hash.finalize();
    URL_SAFE_NO_PAD.encode(digest.get(..DIGEST_BYTES).unwrap_or(&digest))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::server::oauth) fn client() -> ClientAtProvider {
        ClientAtProvider {
            client_id: "client".into(),
            authorization_endpoint: "https://p.example/authorize".into(),
            token_endpoint: Url::parse("https://p.example/token").unwrap(),
        }
    }

    fn scopes(list: &str) -> Vec<OAuthScope> {
        OAuthScope::read_list(list)
    }

    #[test]
    fn ids_differ_by_client_and_scopes_and_not_by_their_order() {
        let of = |client: &ClientAtProvider, list| client.id(&scopes(list)).unwrap();
        let other = ClientAtProvider {
            client_id: "other".into(),
            ..client()
        };
        assert_eq!(of(&client(), "a b"), of(&client(), "b a"));
        assert_ne!(of(&client(), "a b"), of(&client(), "ab"));
        assert_ne!(of(&client(), "a"), of(&other, "a"));
        assert!(of(&client(), "a").as_str().starts_with("oauth:p.example/"));
        assert!(of(&client(), "a").as_str().starts_with(&client().id_start()));
        let long = ClientAtProvider {
            token_endpoint: Url::parse(&format!("https://{}/", vec!["a"; 120].join("."))).unwrap(),
            client_id: "\u{e9}\n".repeat(500),
            ..client()
        };
        assert!(long.id(&[]).is_some());
        assert!(long.name(&[]).len() <= MAX_NAME_BYTES && !long.name(&[]).contains('\n'));
    }
}
