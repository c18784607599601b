//! API keys: a project's keys for signing participant tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::sensitive::SensitiveText;

/// Number of characters of a UUID in an API key.
const ID_CHARACTERS: usize = 22;

/// Number of random bytes in the secret of a generated key.
const SECRET_BYTES: usize = 32;

/// Why a text is not an API key. No variant holds any of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ApiKeyError {
    /// It does not start with `ma-`.
    #[error("an API key starts with `ma-`")]
    BadPrefix,
    /// The id, the project or the secret is missing.
    #[error("an API key has the form `ma-ID-PROJECT-SECRET`: part of it is missing")]
    MissingPart,
    /// The id or the project is not a UUID in the notation of API keys.
    #[error("the API key's {0} is not valid: check that the key was copied whole")]
    BadId(&'static str),
    /// The secret is empty, or has white space or control characters.
    #[error("the API key's secret is empty or has a space or a control character in it")]
    BadSecret,
    /// The operating system did not provide random bytes.
    #[error("the operating system did not provide random bytes")]
    NoRandomness,
}

/// An API key: its id, the project that it belongs to, and the secret that signs tokens. `Debug` shows the ids
/// alone.
#[derive(Debug, Clone)]
pub struct ApiKey {
    id: Uuid,
    project_id: Uuid,
    secret: SensitiveText,
}

impl ApiKey {
    /// Reads `ma-<key id>-<project id>-<secret>` (protocol, "API key").
    ///
    /// # Errors
    /// The first part that has the wrong form. The ids must be in canonical base64, and the secret must not have
    /// white space or control characters: a key that was copied with a newline would sign with another secret.
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

    /// Generates a key for the project: a random id, and 32 random bytes in URL-safe base64 without padding as the
    /// secret.
    ///
    /// # Errors
    /// [`ApiKeyError::NoRandomness`].
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

    /// The id of the key: the `kid` claim of the tokens that it signs.
    pub const fn id(&self) -> Uuid {
        self.id
    }

    /// The project that the key belongs to: the `sub` claim of the tokens that it signs.
    pub const fn project_id(&self) -> Uuid {
        self.project_id
    }

    /// The key for HMAC: the bytes of the secret's text. It is never empty.
    pub fn signing_key(&self) -> &[u8] {
        self.secret.expose().as_bytes()
    }

    /// The key as text, in the form that [`ApiKey::parse`] reads.
    pub fn text(&self) -> SensitiveText {
        let (id, project_id) = (encode_id(self.id), encode_id(self.project_id));
        SensitiveText::new(format!("ma-{id}-{project_id}-{}", self.secret.expose()))
    }
}

/// The bytes of a UUID in URL-safe base64, with `.` in place of `-`, which separates the parts of a key.
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
