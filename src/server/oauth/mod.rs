//! The server's part of OAuth: it calls the token [`endpoint`] of a provider, if the [`rules`] allow it, and keeps
//! the [`credentials`] that it gets: a [`code_exchange`] creates them, a [`refresh`] renews them. Below `state`,
//! above `store`.

mod address;
mod client;
mod code_exchange;
mod credential;
mod credential_error;
mod credentials;
mod endpoint;
mod refresh;
mod rules;

pub(in crate::server) use self::client::{CREDENTIAL_ID_PREFIX, ClientAtProvider};
pub(in crate::server) use self::code_exchange::CodeExchange;
pub(in crate::server) use self::credential::Credential;
pub(in crate::server) use self::credential_error::CredentialError;
pub(in crate::server) use self::credentials::Credentials;
pub(in crate::server) use self::endpoint::{TokenEndpointError, TokenEndpoints};
pub use self::rules::TokenEndpointRules;
