//! Signs and verifies JWTs in compact serialization (RFC 7515, section 7.1) with HS256.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Map, Value};
use sha2::Sha256;

use super::{MAX_TOKEN_BYTES, TokenError, strict_json};
use crate::sensitive::SensitiveText;

/// The header of the tokens that are signed here.
const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// Signs the claims. `key` must not be empty; that of an [`ApiKey`](super::ApiKey) never is.
pub(super) fn sign(claims: &Map<String, Value>, key: &[u8]) -> Result<SensitiveText, TokenError> {
    let claims = serde_json::to_vec(claims).map_err(|_| TokenError::BadJson)?;
    let mut jwt = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(HEADER),
        URL_SAFE_NO_PAD.encode(claims)
    );
    let signature = mac(&jwt, key)?.finalize().into_bytes();
    // Reserved before the signature is appended: growing the text would leave a copy of it in freed memory.
    jwt.reserve_exact(1 + signature.len().div_ceil(3) * 4);
    jwt.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut jwt);
    if jwt.len() > MAX_TOKEN_BYTES {
        return Err(TokenError::TooLong);
    }
    Ok(SensitiveText::new(jwt))
}

/// The claims of a token, after its form, its header and its signature were checked, in this order.
pub(super) fn verify(jwt: &str, key: &[u8]) -> Result<Map<String, Value>, TokenError> {
    if jwt.len() > MAX_TOKEN_BYTES {
        return Err(TokenError::TooLong);
    }
    let (signed, signature) = jwt.rsplit_once('.').ok_or(TokenError::Malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(TokenError::Malformed)?;
    let (header, claims, signature) = (decode(header)?, decode(claims)?, decode(signature)?);
    check_header(&strict_json::object(&header).ok_or(TokenError::BadJson)?)?;
    // `verify_slice` compares in constant time, and refuses a signature of another length.
    mac(signed, key)?
        .verify_slice(&signature)
        .map_err(|_| TokenError::BadSignature)?;
    strict_json::object(&claims).ok_or(TokenError::BadJson)
}

/// The claims of a token whose signature is not checked. None if it has none that can be read.
pub(super) fn unverified_claims(jwt: &str) -> Option<Map<String, Value>> {
    if jwt.len() > MAX_TOKEN_BYTES {
        return None;
    }
    strict_json::object(&decode(jwt.split('.').nth(1)?).ok()?)
}

/// Checks that the algorithm is HS256 and that there is no critical extension. Other members of the header do not
/// change what a token means.
fn check_header(header: &Map<String, Value>) -> Result<(), TokenError> {
    if header.get("alg").and_then(Value::as_str) != Some("HS256") {
        return Err(TokenError::BadAlgorithm);
    }
    if header.contains_key("crit") {
        return Err(TokenError::CriticalExtension);
    }
    Ok(())
}

/// Decodes canonical base64url without padding. A `.` is refused too, and so are tokens of four parts.
fn decode(part: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed)
}

fn mac(signed: &str, key: &[u8]) -> Result<Hmac<Sha256>, TokenError> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| TokenError::BadSignature)?;
    mac.update(signed.as_bytes());
    Ok(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"test-only";

    /// A token of any header and claims, rightly signed.
    fn signed(header: &str, claims: &str) -> String {
        let signed = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(claims)
        );
        let signature = mac(&signed, KEY).unwrap().finalize().into_bytes();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// RFC 7515, appendix A.1: the HMAC SHA-256 example.
    #[test]
    fn the_rfcs_example_verifies() {
        let key = URL_SAFE_NO_PAD
            .decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
            .unwrap();
        let jwt = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(verify(jwt, &key).unwrap()["iss"], "joe");
        assert_eq!(verify(jwt, KEY), Err(TokenError::BadSignature));
    }

    #[test]
    fn only_hs256_without_extensions_is_read() {
        let cases = [
            (r#"{"alg":"HS256"}"#, None),
            (r#"{"alg":"HS256","typ":"at+jwt","kid":"x"}"#, None),
            (r#"{"alg":"none"}"#, Some(TokenError::BadAlgorithm)),
            (r#"{"alg":"None"}"#, Some(TokenError::BadAlgorithm)),
            (r#"{"alg":"hs256"}"#, Some(TokenError::BadAlgorithm)),
            (r#"{"alg":"HS512"}"#, Some(TokenError::BadAlgorithm)),
            (r#"{"alg":"RS256"}"#, Some(TokenError::BadAlgorithm)),
            (r#"{"alg":["HS256"]}"#, Some(TokenError::BadAlgorithm)),
            ("{}", Some(TokenError::BadAlgorithm)),
            (
                r#"{"alg":"HS256","crit":["b64"]}"#,
                Some(TokenError::CriticalExtension),
            ),
            (
                r#"{"alg":"HS256","crit":null}"#,
                Some(TokenError::CriticalExtension),
            ),
            (r#"{"alg":"HS256","alg":"HS256"}"#, Some(TokenError::BadJson)),
            (r#"{"alg":"none","alg":"HS256"}"#, Some(TokenError::BadJson)),
            (r#"["HS256"]"#, Some(TokenError::BadJson)),
        ];
        for (header, expected) in cases {
            assert_eq!(verify(&signed(header, "{}"), KEY).err(), expected, "{header}");
        }
    }

    #[test]
    fn a_token_without_a_signature_is_refused() {
        let none = format!(
            "{}.{}.",
            URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#),
            URL_SAFE_NO_PAD.encode("{}")
        );
        assert_eq!(verify(&none, KEY), Err(TokenError::BadAlgorithm));
        let good = signed(HEADER, "{}");
        let (rest, signature) = good.rsplit_once('.').unwrap();
        assert_eq!(verify(&format!("{rest}."), KEY), Err(TokenError::BadSignature));
        let short = &signature[..signature.len() - 3];
        assert_eq!(
            verify(&format!("{rest}.{short}"), KEY),
            Err(TokenError::BadSignature)
        );
    }

    #[test]
    fn any_change_is_noticed() {
        let good = sign(&Map::from_iter([("a".to_owned(), 1.into())]), KEY).unwrap();
        let good = good.expose();
        assert!(verify(good, KEY).is_ok());
        for at in 0..good.len() {
            let mut bytes = good.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            assert!(verify(&String::from_utf8(bytes).unwrap(), KEY).is_err(), "{at}");
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        let good = signed(HEADER, "{}");
        let spellings = [
            format!("{good}="),
            format!("{good}\n"),
            format!(" {good}"),
            format!("{good}.e30"),
            format!(".{good}"),
        ];
        for jwt in spellings {
            assert_eq!(verify(&jwt, KEY), Err(TokenError::Malformed), "{jwt:?}");
        }
        for jwt in ["", ".", "..", "a", "é.é.é"] {
            assert!(verify(jwt, KEY).is_err(), "{jwt:?}");
        }
    }

    #[test]
    fn claims_are_one_strict_object() {
        for claims in [
            "[]",
            "",
            r#"{"a":1,"a":1}"#,
            r#"{"grants":[{"name":"a","name":"b"}]}"#,
        ] {
            assert_eq!(
                verify(&signed(HEADER, claims), KEY),
                Err(TokenError::BadJson),
                "{claims}"
            );
        }
    }

    #[test]
    fn the_length_is_limited() {
        let claims = |length| Map::from_iter([("a".to_owned(), Value::from("a".repeat(length)))]);
        let long = signed(HEADER, &Value::Object(claims(MAX_TOKEN_BYTES)).to_string());
        assert_eq!(verify(&long, KEY), Err(TokenError::TooLong));
        assert!(matches!(
            sign(&claims(MAX_TOKEN_BYTES), KEY),
            Err(TokenError::TooLong)
        ));
        let fits = sign(&claims(12_000), KEY).unwrap();
        assert!(fits.expose().len() <= MAX_TOKEN_BYTES && verify(fits.expose(), KEY).is_ok());
    }
}
