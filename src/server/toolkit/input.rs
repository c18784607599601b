//! Checks members that the inputs of several tools have.

use super::CallError;
use crate::wire::{ErrorCode, Identity, MAX_NAME_BYTES, NameError, SecretId};

/// The id of a secret.
pub(super) fn secret_id(id: String) -> Result<SecretId, CallError> {
    SecretId::new(id).map_err(|error| invalid("secret_id", error))
}

/// The id of a secret that is to be stored.
pub(super) fn new_secret_id(id: String) -> Result<SecretId, CallError> {
    SecretId::create(id).map_err(|error| invalid("secret_id", error))
}

/// The identity that a new secret is to be delegated to.
pub(super) fn new_delegate(identity: Option<String>) -> Result<Option<Identity>, CallError> {
    identity
        .map(Identity::create)
        .transpose()
        .map_err(|error| invalid("delegated_to", error))
}

/// The identity that a secret is delegated to.
pub(super) fn delegate(identity: Option<String>) -> Result<Option<Identity>, CallError> {
    identity
        .map(Identity::new)
        .transpose()
        .map_err(|error| invalid("delegated_to", error))
}

/// The identity that delegated a secret.
pub(super) fn delegator(identity: Option<String>) -> Result<Option<Identity>, CallError> {
    identity
        .map(Identity::new)
        .transpose()
        .map_err(|error| invalid("delegated_by", error))
}

/// A type or name; an empty one counts as none.
pub(super) fn label(member: &str, text: Option<String>) -> Result<Option<String>, CallError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    if text.len() > MAX_NAME_BYTES {
        return Err(invalid(
            member,
            NameError::TooLong {
                limit: MAX_NAME_BYTES,
            },
        ));
    }
    if text.chars().any(char::is_control) {
        return Err(invalid(member, NameError::ControlCharacter));
    }
    Ok(Some(text))
}

/// An error about a name that is not usable.
pub(super) fn invalid(member: &str, error: NameError) -> CallError {
    CallError::new(
        ErrorCode::InvalidRequest,
        format!("`{member}` is not usable: {error}"),
    )
}

/// An error about a value of more than `limit` bytes.
pub(super) fn too_large(limit: usize) -> CallError {
    CallError::new(
        ErrorCode::InvalidRequest,
        format!("a value has at most {limit} bytes here"),
    )
}
