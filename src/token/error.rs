//! Why a participant token is refused.

use super::MAX_TOKEN_BYTES;

/// Why a participant token is refused, or could not be signed.
///
/// The messages are fit for the body of an answer with status 401 (403 for
/// [`TokenError::WrongRoom`]): short, and repeating nothing of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The token is longer than [`MAX_TOKEN_BYTES`].
    #[error("the token is longer than {MAX_TOKEN_BYTES} bytes")]
    TooLong,
    /// The token is not three parts of canonical base64url (RFC 7515, section 7.1).
    #[error("the token is malformed: use it exactly as it was issued")]
    Malformed,
    /// The header or the claims are no JSON object, or one of their members is there twice.
    #[error("the token's JSON is malformed or names a member twice")]
    BadJson,
    /// The header names another algorithm than HS256, or none.
    #[error("the token is not signed with HS256")]
    BadAlgorithm,
    /// The header has `crit` (RFC 7515, section 4.1.11), and no extension is understood here.
    #[error("the token needs an extension that is not supported")]
    CriticalExtension,
    /// The signature is not the key's.
    #[error("the token is not signed with this server's API key")]
    BadSignature,
    /// The token's `kid` is another API key's.
    #[error("the token names an API key that is not known here")]
    UnknownKey,
    /// The token's `sub` is another project.
    #[error("the token is for another project")]
    WrongProject,
    /// A claim is missing or of the wrong type.
    #[error("the token's claim `{0}` is missing or not valid")]
    BadClaim(&'static str),
    /// A grant is of the wrong form.
    #[error("the token's grant `{0}` is not valid")]
    BadGrant(&'static str),
    /// Two grants have the same name.
    #[error("the token has two grants of the same name")]
    DuplicateGrant,
    /// `exp` is past.
    #[error("the token has expired: get a new one")]
    Expired,
    /// `nbf` or `iat` is in the future.
    #[error("the token is not valid yet: check the clocks")]
    NotYetValid,
    /// The token is good, and not for this room. The one refusal that is a 403.
    #[error("the token does not admit to this room")]
    WrongRoom,
}
