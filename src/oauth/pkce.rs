//! PKCE with S256: proof that who exchanges a code is who asked for it (RFC 7636).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::sensitive::SensitiveText;

/// Random bytes of a verifier, as RFC 7636 section 4.1 recommends; 43 characters of text.
const VERIFIER_BYTES: usize = 32;

/// Characters of a challenge: SHA-256 in URL-safe base64 without padding.
const CHALLENGE_CHARS: usize = 43;

/// The secret half, for the token endpoint alone.
#[derive(Debug, Clone)]
pub struct PkceVerifier(SensitiveText);

impl PkceVerifier {
    /// A fresh one. Fails only where the system has no randomness.
    pub fn generate() -> Result<Self, getrandom::Error> {
        random_text::<VERIFIER_BYTES>().map(Self)
    }

    /// A verifier that was generated before.
    pub const fn from_text(text: SensitiveText) -> Self {
        Self(text)
    }

    /// The text that the token endpoint is sent as `code_verifier`.
    pub const fn text(&self) -> &SensitiveText {
        &self.0
    }

    /// The public half.
    pub fn challenge(&self) -> PkceChallenge {
        PkceChallenge(URL_SAFE_NO_PAD.encode(Sha256::digest(self.0.expose())))
    }
}

/// The public half, for the authorization URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PkceChallenge(String);

impl PkceChallenge {
    /// Takes a challenge that somebody else made. None if it cannot be one of S256.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = text.len() == CHALLENGE_CHARS && URL_SAFE_NO_PAD.decode(text).is_ok();
        fits.then(|| Self(text.to_owned()))
    }

    /// The text that the authorization endpoint is sent as `code_challenge`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// So many random bytes in URL-safe base64 without padding.
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
