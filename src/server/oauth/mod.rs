//! OAuth, as the server of a room has its part in it: it calls the token [`endpoint`] of a provider, if the
//! [`rules`] allow it, and keeps the [`credentials`] that come of it.

mod address;
mod client;
mod credential;
mod credentials;
mod endpoint;
mod rules;

pub(in crate::server) use self::client::{CREDENTIAL_ID_PREFIX, ClientAtProvider};
pub(in crate::server) use self::credential::Credential;
pub(in crate::server) use self::credentials::{CredentialError, Credentials, Exchange};
pub(in crate::server) use self::endpoint::{TokenEndpointError, TokenEndpoints};
pub use self::rules::TokenEndpointRules;
