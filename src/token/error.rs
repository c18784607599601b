//! Errors of participant tokens.

use super::MAX_TOKEN_BYTES;

/// Why a participant token is refused, or could not be signed.
///
/// The messages may be the body of an HTTP response of status 401 or 403: they are short and repeat nothing of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The token is longer than [`MAX_TOKEN_BYTES`].
    #[error("the token is longer than {MAX_TOKEN_BYTES} bytes")]
    TooLong,
    /// The token is not three parts of canonical base64url (RFC 7515, section 7.1).
    #[error("the token is malformed: use it exactly as it was issued")]
    Malformed,
    /// The header or the claims are not a JSON object, or an object in them has a member twice.
    #[error("the token's JSON is malformed or names a member twice")]
    BadJson,
    /// The header names another algorithm than HS256, or none.
    #[error("the token is not signed with HS256")]
    BadAlgorithm,
    /// The header has `crit` (RFC 7515, section 4.1.11); no extension is supported.
    #[error("the token needs an extension that is not supported")]
    CriticalExtension,
    /// The signature was not made with the key.
    #[error("the token is not signed with this server's API key")]
    BadSignature,
    /// `kid` is the id of another API key.
    #[error("the token names an API key that is not known here")]
    UnknownKey,
    /// `sub` is another project.
    #[error("the token is for another project")]
    WrongProject,
    /// A claim is missing or of the wrong type.
    #[error("the token's claim `{0}` is missing or not valid")]
    BadClaim(&'static str),
    /// A grant has the wrong form.
    #[error("the token's grant `{0}` is not valid")]
    BadGrant(&'static str),
    /// The `secrets` member of the grant `api` has another member than those that are known, or one of another form.
    /// This refusal is a 403.
    #[error(
        "the token's `secrets` grant is not valid: it may have `request_oauth_token`, a list of entries with `endpoint`, \
         `client_id` and `token_endpoint`, and nothing else; make a new token"
    )]
    BadSecretsGrant,
    /// Two grants have the same name.
    #[error("the token has two grants of the same name")]
    DuplicateGrant,
    /// `exp` has passed.
    #[error("the token has expired: get a new one")]
    Expired,
    /// The token was revoked at the server.
    #[error("the token has been revoked: get a new one")]
    Revoked,
    /// `nbf` or `iat` is in the future.
    #[error("the token is not valid yet: check the clocks")]
    NotYetValid,
    /// The token is valid, but for another room or for none. This refusal is a 403.
    #[error("the token does not admit to this room")]
    WrongRoom,
}
