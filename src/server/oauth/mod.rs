//! OAuth, as the server of a room has its part in it: it calls the token [`endpoint`] of a provider,
//! over a stream that is [dialled](dial) with care, and keeps the [`credentials`] that come of it.

mod address;
mod client;
mod credential;
mod credentials;
mod dial;
mod endpoint;

pub(in crate::server) use self::client::{CREDENTIAL_ID_PREFIX, ClientAtProvider};
pub(in crate::server) use self::credential::Credential;
pub(in crate::server) use self::credentials::{CredentialError, Credentials, Exchange};
pub use self::dial::TokenEndpointRules;
pub(in crate::server) use self::endpoint::{TokenEndpointError, TokenEndpoints};
