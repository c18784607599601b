//! The API key: what a project signs its participant tokens with.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::sensitive::SensitiveText;

/// Characters of a UUID in an API key.
const ID_CHARACTERS: usize = 22;

/// Random bytes in the secret of a key made here.
const SECRET_BYTES: usize = 32;

/// Why a text is no API key. The messages repeat nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ApiKeyError {
    /// It does not start with `ma-`.
    #[error("an API key starts with `ma-`")]
    BadPrefix,
    /// It has fewer than the three parts id, project and secret.
    #[error("an API key has the form `ma-ID-PROJECT-SECRET`: part of it is missing")]
    MissingPart,
    /// The id or the project is no UUID in the key's notation.
    #[error("the API key's {0} is not valid: check that the key was copied whole")]
    BadId(&'static str),
    /// The secret is empty, or has white space or control characters.
    #[error("the API key's secret is empty or has a space or a control character in it")]
    BadSecret,
    /// The operating system gave no random bytes.
    #[error("no random bytes could be had from the operating system")]
    NoRandomness,
}

/// An API key: the id of the key, the project it belongs to, and the secret that signs.
///
/// The secret is never empty. `Debug` shows the two ids only.
#[derive(Debug, Clone)]
pub struct ApiKey {
    id: Uuid,
    project_id: Uuid,
    secret: SensitiveText,
}

impl ApiKey {
    /// Reads `ma-<kid>-<project>-<secret>` (protocol, "API key").
    ///
    /// Only the canonical notation of the two ids is read, and a secret without white space and
    /// control characters, so that a key with a stray newline is an error and not another key.
    pub fn parse(text: &str) -> Result<Self, ApiKeyError> {
        let rest = text.strip_prefix("ma-").ok_or(ApiKeyError::BadPrefix)?;
        let (id, rest) = rest.split_once('-').ok_or(ApiKeyError::MissingPart)?;
        let (project_id, secret) = rest.split_once('-').ok_or(ApiKeyError::MissingPart)?;
        if secret.is_empty() || secret.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(ApiKeyError::BadSecret);
        }
        Ok(Self {
            id: decode_id(id).ok_or(ApiKeyError::BadId("id"))?,
            project_id: decode_id(project_id).ok_or(ApiKeyError::BadId("project"))?,
            secret: SensitiveText::new(secret.to_owned()),
        })
    }

    /// Makes a new key for the project: a random id, and 32 random bytes as the secret, in URL-safe
    /// base64 without padding. Fails only if the operating system gives no random bytes.
    pub fn generate(project_id: Uuid) -> Result<Self, ApiKeyError> {
        let mut id = [0; 16];
        let mut secret = Zeroizing::new([0; SECRET_BYTES]);
        getrandom::fill(&mut id).map_err(|_| ApiKeyError::NoRandomness)?;
        getrandom::fill(secret.as_mut_slice()).map_err(|_| ApiKeyError::NoRandomness)?;
        Ok(Self {
            id: uuid::Builder::from_random_bytes(id).into_uuid(),
            project_id,
            secret: SensitiveText::new(URL_SAFE_NO_PAD.encode(secret.as_slice())),
        })
    }

    /// The id of the key, which a token names in its `kid` claim.
    pub const fn id(&self) -> Uuid {
        self.id
    }

    /// The project that the key belongs to, which a token names in its `sub` claim.
    pub const fn project_id(&self) -> Uuid {
        self.project_id
    }

    /// What tokens are signed with: the bytes of the secret's text. Never empty.
    pub fn signing_key(&self) -> &[u8] {
        self.secret.expose().as_bytes()
    }

    /// The key as text, as [`ApiKey::parse`] reads it.
    pub fn text(&self) -> SensitiveText {
        let (id, project_id) = (encode_id(self.id), encode_id(self.project_id));
        SensitiveText::new(format!("ma-{id}-{project_id}-{}", self.secret.expose()))
    }
}

/// A UUID as it stands in a key: its bytes in URL-safe base64, with `-` written as `.`.
fn encode_id(id: Uuid) -> String {
    URL_SAFE_NO_PAD.encode(id.as_bytes()).replace('-', ".")
}

fn decode_id(text: &str) -> Option<Uuid> {
    if text.len() != ID_CHARACTERS {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(text.replace('.', "-")).ok()?;
    Uuid::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with `encodeApiKey` of `@meshagent/meshagent`. For tests only.
    const FROM_THE_SDK: &str =
        "ma-..8.f75vS_uc__suWwob_g-AZXWwP_7fu._v30Kf1s8EQ-test-only-secret-with-dashes";

    #[test]
    fn a_key_of_the_sdk_is_read_and_written() {
        let key = ApiKey::parse(FROM_THE_SDK).unwrap();
        assert_eq!(key.id().to_string(), "fbef3e7f-be6f-4bfb-9cff-fb2e5b0a1bfe");
        assert_eq!(
            key.project_id().to_string(),
            "0195d6c0-fffb-7eef-bfbf-7d0a7f5b3c11"
        );
        assert_eq!(key.signing_key(), b"test-only-secret-with-dashes");
        assert_eq!(key.text().expose(), FROM_THE_SDK);
    }

    #[test]
    fn a_new_key_reads_back() {
        let project = Uuid::from_u128(7);
        let key = ApiKey::generate(project).unwrap();
        assert_eq!(key.id().get_version_num(), 4);
        assert_eq!(key.signing_key().len(), 43);
        let read = ApiKey::parse(key.text().expose()).unwrap();
        assert_eq!((read.id(), read.project_id()), (key.id(), project));
        assert_eq!(read.signing_key(), key.signing_key());
        assert_ne!(
            ApiKey::generate(project).unwrap().signing_key(),
            key.signing_key()
        );
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let id = "AAAAAAAAAAAAAAAAAAAAAA";
        let cases = [
            (String::new(), ApiKeyError::BadPrefix),
            (format!("MA-{id}-{id}-s"), ApiKeyError::BadPrefix),
            (format!("ma-{id}"), ApiKeyError::MissingPart),
            (format!("ma-{id}-{id}"), ApiKeyError::MissingPart),
            (format!("ma-{id}-{id}-"), ApiKeyError::BadSecret),
            (format!("ma-{id}-{id}-s\n"), ApiKeyError::BadSecret),
            (format!("ma-{id}-{id}-a b"), ApiKeyError::BadSecret),
            (format!("ma-{id}==-{id}-s"), ApiKeyError::BadId("id")),
            (format!("ma--{id}-s"), ApiKeyError::BadId("id")),
            (
                format!("ma-AAAAAAAAAAAAAAAAAAAAAB-{id}-s"),
                ApiKeyError::BadId("id"),
            ),
            (
                format!("ma-{id}-+AAAAAAAAAAAAAAAAAAAAA-s"),
                ApiKeyError::BadId("project"),
            ),
            (
                format!("ma-{id}-éAAAAAAAAAAAAAAAAAAAA-s"),
                ApiKeyError::BadId("project"),
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(ApiKey::parse(&text).unwrap_err(), expected, "{text:?}");
        }
    }

    #[test]
    fn neither_debug_nor_errors_show_the_secret() {
        let key = ApiKey::parse(FROM_THE_SDK).unwrap();
        assert!(!format!("{key:?} {key:#?} {:?}", key.text()).contains("test-only"));
        for text in ["canary", "ma-canary", "ma-canary-canary-canary", "ma-a-b-canary "] {
            let error = ApiKey::parse(text).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("canary"), "{text}");
        }
    }
}
