//! The `state` of authorization requests, against forged callbacks (RFC 6749, section 10.12).

use subtle::ConstantTimeEq;

use super::pkce::random_text;
use crate::sensitive::SensitiveText;

/// Number of random bytes in a state.
const STATE_BYTES: usize = 32;

/// A random text that only the provider's response to the request returns. `Debug` does not show it.
#[derive(Debug, Clone)]
pub struct CsrfState(SensitiveText);

impl CsrfState {
    /// Generates a state.
    ///
    /// # Errors
    /// The system provides no random bytes.
    pub fn generate() -> Result<Self, getrandom::Error> {
        random_text::<STATE_BYTES>().map(Self)
    }

    /// The parameter `state` of the authorization request.
    pub const fn text(&self) -> &SensitiveText {
        &self.0
    }

    /// Whether `text` is this state. The comparison takes constant time for texts of the same length.
    pub fn is(&self, text: &str) -> bool {
        self.0.expose().as_bytes().ct_eq(text.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_itself_alone() {
        let state = CsrfState::generate().unwrap();
        let text = state.text().expose().clone();
        assert!(state.is(&text) && text.len() == 43);
        for other in ["", &text[1..], &format!("{text}x"), &text.to_lowercase()] {
            assert!(!state.is(other));
        }
        assert!(!state.is(CsrfState::generate().unwrap().text().expose()));
        assert!(!format!("{state:?}").contains(&text));
    }
}
