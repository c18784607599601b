//! Why there is no access token.

use super::TokenEndpointError;
use crate::server::store::StoreError;

/// Why there is no access token.
#[derive(Debug, Clone, thiserror::Error)]
pub(in crate::server) enum CredentialError {
    #[error(transparent)]
    Endpoint(#[from] TokenEndpointError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the room server failed while it dealt with the token")]
    Lost,
    #[error("the room server is stopping")]
    Stopping,
}

impl CredentialError {
    /// Waiting does not help, because the provider refuses or the credential cannot be read: the owner has to
    /// sign in again.
    pub(in crate::server) fn is_final(&self) -> bool {
        match self {
            Self::Endpoint(error) => error.is_refusal(),
            error => error.is_damage(),
        }
    }

    /// The stored credential is not what was written.
    pub(super) const fn is_damage(&self) -> bool {
        matches!(self, Self::Store(StoreError::Damaged { .. }))
    }
}
