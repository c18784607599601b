//! The `state` of an authorization request: only its answer brings it back (RFC 6749, section 10.12).

use subtle::ConstantTimeEq;

use super::pkce::random_text;
use crate::sensitive::SensitiveText;

/// Random bytes of a state.
const STATE_BYTES: usize = 32;

/// What ties a callback to the request that it answers.
#[derive(Debug, Clone)]
pub struct CsrfState(SensitiveText);

impl CsrfState {
    /// A fresh one. Fails only where the system has no randomness.
    pub fn generate() -> Result<Self, getrandom::Error> {
        random_text::<STATE_BYTES>().map(Self)
    }

    /// The text that the authorization endpoint is sent as `state`.
    pub const fn text(&self) -> &SensitiveText {
        &self.0
    }

    /// Whether `text` is this state. How long it takes tells nothing but its length.
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
