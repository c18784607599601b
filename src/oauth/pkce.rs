//! PKCE with S256 (RFC 7636): proof that the program that exchanges a code is the one that requested it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::sensitive::SensitiveText;

/// Number of random bytes in a verifier (RFC 7636, section 4.1, recommends 32: 43 characters).
const VERIFIER_BYTES: usize = 32;

/// Number of characters of a challenge: SHA-256 in URL-safe base64 without padding.
const CHALLENGE_CHARS: usize = 43;

/// The code verifier: the secret that is sent to the token endpoint alone. `Debug` does not show it.
#[derive(Debug, Clone)]
pub struct PkceVerifier(SensitiveText);

impl PkceVerifier {
    /// Generates a verifier.
    ///
    /// # Errors
    /// The system provides no random bytes.
    pub fn generate() -> Result<Self, getrandom::Error> {
        random_text::<VERIFIER_BYTES>().map(Self)
    }

    /// Wraps the text of a verifier that was generated before.
    pub const fn from_text(text: SensitiveText) -> Self {
        Self(text)
    }

    /// The parameter `code_verifier` of the token request.
    pub const fn text(&self) -> &SensitiveText {
        &self.0
    }

    /// The challenge of this verifier (RFC 7636, section 4.2).
    pub fn challenge(&self) -> PkceChallenge {
        PkceChallenge(URL_SAFE_NO_PAD.encode(Sha256::digest(self.0.expose())))
    }
}

/// The code challenge for the authorization request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PkceChallenge(String);

impl PkceChallenge {
    /// Reads a challenge that another program made. None if it does not have the form of S256.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = text.len() == CHALLENGE_CHARS && URL_SAFE_NO_PAD.decode(text).is_ok();
        fits.then(|| Self(text.to_owned()))
    }

    /// The parameter `code_challenge` of the authorization request.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Random bytes in URL-safe base64 without padding.
pub(super) fn random_text<const BYTES: usize>() -> Result<SensitiveText, getrandom::Error> {
    let mut bytes = Zeroizing::new([0; BYTES]);
    getrandom::fill(&mut *bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(*bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636, appendix B.
    #[test]
    fn the_example_of_the_standard() {
        let verifier =
            PkceVerifier::from_text("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned().into());
        let challenge = verifier.challenge();
        assert_eq!(challenge.as_str(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert_eq!(PkceChallenge::parse(challenge.as_str()), Some(challenge));
    }

    #[test]
    fn verifiers_differ_and_are_not_shown() {
        let (one, other) = (
            PkceVerifier::generate().unwrap(),
            PkceVerifier::generate().unwrap(),
        );
        assert_ne!(one.text().expose(), other.text().expose());
        assert_eq!(one.text().expose().len(), 43);
        assert!(!format!("{one:?}").contains(one.text().expose().as_str()));
    }

    #[test]
    fn what_is_no_challenge() {
        for text in ["", "x", &"=".repeat(43), &"a".repeat(44), &" ".repeat(43)] {
            assert_eq!(PkceChallenge::parse(text), None, "{text}");
        }
    }
}
