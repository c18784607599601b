//! A client of the `secrets` toolkit (protocol, "The `secrets` toolkit").
//!
//! [`SecretsClient`] has one method for each tool: to store, read and delete secrets, to request them from other
//! participants, and to answer such requests. [`SecretsClient::incoming_requests`] yields what the other participants
//! request.
//!
//! ```no_run
//! use meshagent::room::RoomClient;
//! use meshagent::secrets::{GetOptions, IncomingRequest, SecretsClient, SecretsError, SetOptions};
//!
//! # async fn example(room: &RoomClient) -> Result<(), SecretsError> {
//! let secrets = SecretsClient::new(room);
//! let id = "db/password".parse().expect("a valid id");
//! secrets.set_secret(&id, b"hunter2".to_vec().into(), SetOptions::default()).await?;
//! let found = secrets.get_secret(&id, GetOptions::default()).await?;
//! assert_eq!(found.expect("stored before").value.expose(), b"hunter2");
//!
//! let mut requests = secrets.incoming_requests();
//! while let IncomingRequest::Secret(request) = requests.next().await? {
//!     secrets.reject_secret(&request.request_id, "not now").await?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Errors
//! Every method fails with [`SecretsError`]: an error that the server answered, whose code is
//! [`SecretsError::code`], or the end of the connection. Code 1001 means everywhere that the participant token lacks
//! the grant `secrets`. No method has a time limit; see [`crate::room`].

mod audit;
mod error;
mod incoming;
mod list;
mod oauth;
mod read;
mod requests;

use serde::de::DeserializeOwned;

pub use self::error::SecretsError;
pub use self::incoming::{IncomingRequest, IncomingRequests};
pub use self::oauth::OAuthTokenOptions;
pub use self::read::{ExistsOptions, GetOptions, SecretFilter};
pub use self::requests::RequestOptions;
use crate::room::{RoomClient, RoomHandle};
use crate::sensitive::SecretValue;
use crate::wire::secrets::{DeleteSecret, SetSecret, SetSecretResponse, TOOLKIT, tool};
use crate::wire::{Content, Identity, SecretId};

/// A secret that was read.
#[derive(Debug, Clone)]
pub struct Secret {
    /// Name.
    pub name: String,
    /// Type, like `text/plain`.
    pub secret_type: String,
    /// The identity that delegated it to the caller; none for the caller's own. Servers before this version do not
    /// send it.
    pub owner: Option<String>,
    /// Value.
    pub value: SecretValue,
}

/// Options of [`SecretsClient::set_secret`].
#[derive(Debug, Clone, Default)]
pub struct SetOptions {
    /// Type. Default: `application/octet-stream`.
    pub secret_type: Option<String>,
    /// Name. Default: the id.
    pub name: Option<String>,
    /// Identity, beside the owner, that may read the secret. A secret with another delegate is another secret.
    pub delegated_to: Option<Identity>,
    /// Owner. Default: the caller; another one needs the grant `admin`.
    pub for_identity: Option<Identity>,
}

/// A client of a room's `secrets` toolkit. Clones are cheap and may be moved into tasks; calls run concurrently. It
/// works as long as the [`RoomClient`] lives.
#[derive(Debug, Clone)]
pub struct SecretsClient {
    room: RoomHandle,
    /// The caller's identity; none if the server does not say it.
    identity: Option<Identity>,
}

impl SecretsClient {
    /// A client that uses the connection of `room`.
    pub fn new(room: &RoomClient) -> Self {
        let identity = room.participant().name();
        Self {
            identity: identity.and_then(|name| Identity::new(name).ok()),
            room: room.handle().clone(),
        }
    }

    /// Stores a secret. An existing secret is replaced with its type and name.
    ///
    /// # Errors
    /// Code 1002 for a value over the server's limit or a reserved id; 1001 for another owner without the grant
    /// `admin`.
    pub async fn set_secret(
        &self,
        id: &SecretId,
        value: SecretValue,
        options: SetOptions,
    ) -> Result<(), SecretsError> {
        expect_done(tool::SET, self.set(Some(id), value, options).await?)
    }

    /// Stores a secret under a new id, which the server makes, and returns the id.
    ///
    /// # Errors
    /// Those of [`SecretsClient::set_secret`]. Other servers store the secret without sending its id:
    /// [`SecretsError::UnexpectedResponse`].
    pub async fn create_secret(
        &self,
        value: SecretValue,
        options: SetOptions,
    ) -> Result<SecretId, SecretsError> {
        let response = self.set(None, value, options).await?;
        let SetSecretResponse { id } = expect_json(tool::SET, response)?;
        Ok(id)
    }

    async fn set(
        &self,
        id: Option<&SecretId>,
        value: SecretValue,
        options: SetOptions,
    ) -> Result<Content, SecretsError> {
        let headers = SetSecret {
            secret_id: id.map(ToString::to_string),
            secret_type: options.secret_type,
            name: options.name,
            delegated_to: options.delegated_to.map(Into::into),
            for_identity: options.for_identity.map(Into::into),
            has_data: Some(true),
        };
        self.call(tool::SET, Content::binary(&headers, value)?).await
    }

    /// Deletes one of the caller's own secrets.
    ///
    /// # Errors
    /// Code 1003 if there is no such secret.
    pub async fn delete_secret(
        &self,
        id: &SecretId,
        delegated_to: Option<&Identity>,
    ) -> Result<(), SecretsError> {
        let input = DeleteSecret {
            id: id.to_string(),
            delegated_to: delegated_to.map(ToString::to_string),
        };
        expect_done(
            tool::DELETE,
            self.call(tool::DELETE, Content::json(&input)?).await?,
        )
    }

    async fn call(&self, tool: &'static str, input: Content) -> Result<Content, SecretsError> {
        Ok(self.room.invoke(TOOLKIT, tool, input).await?)
    }
}

/// Checks a response without a result: `empty`, or `json` from servers that add something.
fn expect_done(tool: &'static str, answer: Content) -> Result<(), SecretsError> {
    match answer {
        Content::Empty | Content::Json(_) => Ok(()),
        other => Err(SecretsError::UnexpectedResponse {
            tool,
            kind: other.kind(),
        }),
    }
}

/// Reads a response that is a secret.
fn expect_file(tool: &'static str, answer: Content) -> Result<Secret, SecretsError> {
    match answer {
        Content::File {
            name,
            mime_type,
            owner,
            data,
        } => Ok(Secret {
            name,
            secret_type: mime_type,
            owner,
            value: data,
        }),
        other => Err(SecretsError::UnexpectedResponse {
            tool,
            kind: other.kind(),
        }),
    }
}

fn expect_json<T: DeserializeOwned>(tool: &'static str, answer: Content) -> Result<T, SecretsError> {
    let kind = answer.kind();
    answer
        .into_json()
        .map_err(|_| SecretsError::UnexpectedResponse { tool, kind })
}
