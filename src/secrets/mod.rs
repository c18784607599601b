//! The room's secrets: one method per tool of the `secrets` toolkit, and what others ask of this
//! participant.

mod error;
mod incoming;
mod oauth;
mod requests;

use serde::de::DeserializeOwned;

pub use self::error::SecretsError;
pub use self::incoming::{IncomingRequest, IncomingRequests};
pub use self::oauth::OAuthTokenOptions;
pub use self::requests::RequestOptions;
use crate::room::{RoomClient, RoomHandle};
use crate::sensitive::SecretValue;
use crate::wire::secrets::{
    DeleteSecret, ExistsResponse, GetSecret, SecretExists, SecretInfo, SecretList, SetSecret, TOOLKIT, tool,
};
use crate::wire::{Content, Identity, SecretId};

/// A secret that was read.
#[derive(Debug, Clone)]
pub struct Secret {
    /// Name.
    pub name: String,
    /// Type, like `text/plain`.
    pub secret_type: String,
    /// The bytes.
    pub value: SecretValue,
}

/// How a secret is stored, beside its id and value.
#[derive(Debug, Clone, Default)]
pub struct SetOptions {
    /// Type; `application/octet-stream` if there is none.
    pub secret_type: Option<String>,
    /// Name; the id if there is none.
    pub name: Option<String>,
    /// Identity that may read it too.
    pub delegated_to: Option<Identity>,
    /// Owner, if that is not the caller; needs the `admin` grant.
    pub for_identity: Option<Identity>,
}

/// Which secret is meant when it is not named by id: every given member must match.
#[derive(Debug, Clone, Default)]
pub struct SecretFilter {
    /// Type.
    pub secret_type: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// Identity that the secret is delegated to; the caller's own name finds what others delegated to it.
    pub delegated_to: Option<Identity>,
}

/// The `secrets` toolkit of a room, as its client sees it. Cheap to make; calls may run side by side.
#[derive(Debug, Clone)]
pub struct SecretsClient {
    room: RoomHandle,
}

impl SecretsClient {
    /// The secrets of the room that `room` is in.
    pub fn new(room: &RoomClient) -> Self {
        let room = room.handle().clone();
        Self { room }
    }

    /// What the caller may see, without values, sorted by id.
    pub async fn list_secrets(&self) -> Result<Vec<SecretInfo>, SecretsError> {
        let answer = self
            .call(tool::LIST, Content::json(&serde_json::Map::new())?)
            .await?;
        let SecretList { mut secrets } = expect_json(tool::LIST, answer)?;
        secrets.sort_by(|a, b| (&a.id, &a.delegated_to).cmp(&(&b.id, &b.delegated_to)));
        Ok(secrets)
    }

    /// Stores `value` under `id`; a secret that is there is replaced, with its type and name.
    pub async fn set_secret(
        &self,
        id: &SecretId,
        value: SecretValue,
        options: SetOptions,
    ) -> Result<(), SecretsError> {
        let headers = SetSecret {
            secret_id: Some(id.to_string()),
            secret_type: options.secret_type,
            name: options.name,
            delegated_to: options.delegated_to.map(Into::into),
            for_identity: options.for_identity.map(Into::into),
            has_data: Some(true),
        };
        expect_done(
            tool::SET,
            self.call(tool::SET, Content::binary(&headers, value)?).await?,
        )
    }

    /// Reads a secret by id; `None` if there is none that the caller may see.
    pub async fn get_secret(
        &self,
        id: &SecretId,
        delegated_to: Option<&Identity>,
    ) -> Result<Option<Secret>, SecretsError> {
        let delegated_to = delegated_to.map(ToString::to_string);
        self.read(GetSecret {
            secret_id: Some(id.to_string()),
            delegated_to,
            ..GetSecret::default()
        })
        .await
    }

    /// Reads the one secret that `filter` describes; `None` if there is none.
    ///
    /// # Errors
    /// Code 1005 if it describes several.
    pub async fn find_secret(&self, filter: SecretFilter) -> Result<Option<Secret>, SecretsError> {
        self.read(GetSecret {
            secret_id: None,
            secret_type: filter.secret_type,
            name: filter.name,
            delegated_to: filter.delegated_to.map(Into::into),
        })
        .await
    }

    async fn read(&self, input: GetSecret) -> Result<Option<Secret>, SecretsError> {
        match self.call(tool::GET, Content::json(&input)?).await? {
            Content::Empty => Ok(None),
            answer => expect_file(tool::GET, answer).map(Some),
        }
    }

    /// Whether a secret is there, for the caller or (with the `admin` grant) for another identity.
    pub async fn exists(
        &self,
        id: &SecretId,
        delegated_to: Option<&Identity>,
        for_identity: Option<&Identity>,
    ) -> Result<bool, SecretsError> {
        let input = SecretExists {
            secret_id: id.to_string(),
            delegated_to: delegated_to.map(ToString::to_string),
            for_identity: for_identity.map(ToString::to_string),
        };
        let answer = self.call(tool::EXISTS, Content::json(&input)?).await?;
        Ok(expect_json::<ExistsResponse>(tool::EXISTS, answer)?.exists)
    }

    /// Deletes a secret of the caller.
    ///
    /// # Errors
    /// Code 1003 if there is none.
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

/// An answer that says no more than "done": `empty`, or JSON from servers that have something to add.
fn expect_done(tool: &'static str, answer: Content) -> Result<(), SecretsError> {
    match answer {
        Content::Empty | Content::Json(_) => Ok(()),
        other => Err(SecretsError::UnexpectedResponse {
            tool,
            kind: other.kind(),
        }),
    }
}

/// An answer that is a secret.
fn expect_file(tool: &'static str, answer: Content) -> Result<Secret, SecretsError> {
    match answer {
        Content::File {
            name,
            mime_type,
            data,
        } => Ok(Secret {
            name,
            secret_type: mime_type,
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
