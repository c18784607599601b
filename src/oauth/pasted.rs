//! Callbacks that the user pastes: from a browser on another machine, or when no listener could be bound.

use url::{Position, Url};

use super::RedirectUri;
use super::callback::{self, AuthorizationCode, CallbackError, ExpectedCallback};
use crate::sensitive::SensitiveText;

/// Why a pasted text gives no code. No variant holds any of the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PastedError {
    /// The text is empty.
    #[error("nothing was pasted")]
    Nothing,
    /// The text is another address than the redirect URI.
    #[error("that is not the address that the provider sends the browser back to")]
    AnotherAddress,
    /// The text is a code alone, and without PKCE only a state could show that it belongs to the request.
    #[error("without PKCE a code alone is not enough: paste the whole address")]
    CodeAlone,
    /// The text is no address and no code: it has blanks in it.
    #[error("that is neither the address that the browser ended on nor a code")]
    NeitherOfBoth,
    /// The callback gives no code.
    #[error(transparent)]
    Callback(#[from] CallbackError),
}

/// Reads a pasted text: the address that the browser was redirected to, its query, or the code alone.
///
/// Address and query are checked as a [`super::LoopbackListener`] does. A code alone has no state. It is accepted only
/// with `pkce`, because the token endpoint then refuses a code of another request (RFC 7636, section 4.6).
///
/// # Errors
/// [`PastedError`]; the user may paste again.
pub fn read(
    text: &SensitiveText,
    redirect_uri: &RedirectUri,
    expected: &ExpectedCallback,
    pkce: bool,
) -> Result<AuthorizationCode, PastedError> {
    let text = text.expose().trim();
    if text.is_empty() {
        return Err(PastedError::Nothing);
    }
    if let Ok(url) = Url::parse(text) {
        if url[..Position::AfterPath] != redirect_uri.url()[..Position::AfterPath] {
            return Err(PastedError::AnotherAddress);
        }
        return Ok(callback::read(url.query().unwrap_or_default(), expected)?);
    }
    let query = text.strip_prefix('?').unwrap_or(text);
    if query != text || query.contains("state=") {
        return Ok(callback::read(query, expected)?);
    }
    if text.contains(char::is_whitespace) {
        return Err(PastedError::NeitherOfBoth);
    }
    if !pkce {
        return Err(PastedError::CodeAlone);
    }
    let code = AuthorizationCode::new(text.to_owned().into());
    Ok(code.ok_or(CallbackError::NoCode)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::CsrfState;
    use crate::wire::HttpEndpoint;

    fn paste(text: &str, pkce: bool) -> Result<String, PastedError> {
        let redirect_uri = RedirectUri::parse("http://127.0.0.1:9/cb?x=1").unwrap();
        let state = CsrfState::generate().unwrap();
        let text = text.replace("state=S", &format!("state={}", state.text().expose()));
        let authorization_endpoint = HttpEndpoint::parse("https://as.example/").unwrap();
        let code = read(
            &text.into(),
            &redirect_uri,
            &ExpectedCallback {
                state,
                authorization_endpoint,
            },
            pkce,
        );
        code.map(|code| code.text().expose().clone())
    }

    #[test]
    fn an_address_a_query_or_a_code() {
        for text in [
            " http://127.0.0.1:9/cb?x=1&code=abc&state=S\n",
            "http://127.0.0.1:9/cb?code=abc&state=S#_=_",
            "?code=abc&state=S",
            "code=abc&state=S",
        ] {
            assert_eq!(paste(text, false).as_deref(), Ok("abc"), "{text}");
        }
        assert_eq!(paste("4/0A-b_c", true).as_deref(), Ok("4/0A-b_c"));
    }

    #[test]
    fn what_is_not_taken() {
        use PastedError::{AnotherAddress, Callback, CodeAlone, NeitherOfBoth, Nothing};
        for (text, pkce, error) in [
            ("", true, Nothing),
            (" \n", true, Nothing),
            ("abc", false, CodeAlone),
            ("http://127.0.0.1:9/?code=abc&state=S", true, AnotherAddress),
            ("http://127.0.0.1/cb?code=abc&state=S", true, AnotherAddress),
            ("https://127.0.0.1:9/cb?code=abc&state=S", true, AnotherAddress),
            ("https://as.example/?code=abc&state=S", true, AnotherAddress),
            (
                "http://127.0.0.1:9/cb?code=abc",
                true,
                Callback(CallbackError::NoState),
            ),
            ("?code=abc&state=x", true, Callback(CallbackError::WrongState)),
            ("code=a&code=b&state=S", true, Callback(CallbackError::Repeated)),
            ("a\nb", true, NeitherOfBoth),
            ("git push origin", true, NeitherOfBoth),
            ("\u{e4}", true, Callback(CallbackError::NoCode)),
        ] {
            assert_eq!(paste(text, pkce), Err(error), "{text}");
        }
    }
}
