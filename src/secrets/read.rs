//! Reading secrets: own ones, and what others delegated (protocol, "Reading what others delegated").

use super::{Secret, SecretsClient, SecretsError, expect_file, expect_json};
use crate::wire::secrets::{ExistsResponse, GetSecret, SecretExists, tool};
use crate::wire::{Content, Identity, SecretId};

/// Options of [`SecretsClient::get_secret`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GetOptions {
    /// Identity that the secret is delegated to. The caller's own identity finds secrets that others delegated to it.
    pub delegated_to: Option<Identity>,
    /// Owner, where another identity delegated the secret to the caller.
    pub delegated_by: Option<Identity>,
}

/// Options of [`SecretsClient::exists`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExistsOptions {
    /// As [`GetOptions::delegated_to`].
    pub delegated_to: Option<Identity>,
    /// As [`GetOptions::delegated_by`].
    pub delegated_by: Option<Identity>,
    /// The reader. Default: the caller; another one needs the grant `admin`.
    pub for_identity: Option<Identity>,
}

/// The secret that [`SecretsClient::find_secret`] looks for. Every given member must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecretFilter {
    /// Type.
    pub secret_type: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// As [`GetOptions::delegated_to`].
    pub delegated_to: Option<Identity>,
    /// As [`GetOptions::delegated_by`].
    pub delegated_by: Option<Identity>,
}

impl SecretsClient {
    /// Reads a secret by its id. `None` if there is no such secret that the caller may see.
    ///
    /// Without options it is one of the caller's own secrets without delegate. With `delegated_by` it is what that
    /// identity delegated to the caller. With the caller's identity as `delegated_to` alone it is an own secret that
    /// is delegated so, else the one that another identity delegated to the caller.
    ///
    /// # Errors
    /// Code 1005 if several identities delegated a secret of this id to the caller, and `delegated_by` names none;
    /// [`SecretsError::OwnerUnknown`] for `delegated_by` at a server that does not know it.
    pub async fn get_secret(
        &self,
        id: &SecretId,
        options: GetOptions,
    ) -> Result<Option<Secret>, SecretsError> {
        self.read(
            GetSecret {
                secret_id: Some(id.to_string()),
                ..GetSecret::default()
            },
            options,
        )
        .await
    }

    /// Reads the secret that matches `filter`, which needs a type, a name or both: an own one, or else one that was
    /// delegated to the caller. `None` if no secret matches that the caller may see.
    ///
    /// # Errors
    /// Code 1005 if several match; 1002 without type and name; those of [`SecretsClient::get_secret`].
    pub async fn find_secret(&self, filter: SecretFilter) -> Result<Option<Secret>, SecretsError> {
        let options = GetOptions {
            delegated_to: filter.delegated_to,
            delegated_by: filter.delegated_by,
        };
        self.read(
            GetSecret {
                secret_type: filter.secret_type,
                name: filter.name,
                ..GetSecret::default()
            },
            options,
        )
        .await
    }

    async fn read(&self, input: GetSecret, options: GetOptions) -> Result<Option<Secret>, SecretsError> {
        let GetOptions {
            delegated_to,
            delegated_by,
        } = options;
        let other = other_owner(delegated_by.as_ref(), self.identity.as_ref());
        let input = GetSecret {
            delegated_to: delegated_to
                .or_else(|| self.identity.clone().filter(|_| other.is_some()))
                .map(Into::into),
            delegated_by: delegated_by.clone().map(Into::into),
            ..input
        };
        let secret = match self.call(tool::GET, Content::json(&input)?).await? {
            Content::Empty => return Ok(None),
            answer => expect_file(tool::GET, answer)?,
        };
        check_owner(tool::GET, other.as_ref(), secret.owner.as_deref())?;
        Ok(Some(secret))
    }

    /// Whether a secret exists that the caller, or `for_identity`, may see. Which one is said as for
    /// [`SecretsClient::get_secret`]; of what several identities delegated it is enough that one did.
    ///
    /// # Errors
    /// Code 1001 for another identity without the grant `admin`; [`SecretsError::OwnerUnknown`] for `delegated_by` at a
    /// server that does not know it.
    pub async fn exists(&self, id: &SecretId, options: ExistsOptions) -> Result<bool, SecretsError> {
        let ExistsOptions {
            delegated_to,
            delegated_by,
            for_identity,
        } = options;
        let reader = for_identity.as_ref().or(self.identity.as_ref());
        let other = other_owner(delegated_by.as_ref(), reader);
        let input = SecretExists {
            secret_id: id.to_string(),
            delegated_to: delegated_to
                .or_else(|| reader.cloned().filter(|_| other.is_some()))
                .map(Into::into),
            delegated_by: delegated_by.map(Into::into),
            for_identity: for_identity.map(Into::into),
        };
        let answer = self.call(tool::EXISTS, Content::json(&input)?).await?;
        let ExistsResponse { exists, owner } = expect_json(tool::EXISTS, answer)?;
        if exists {
            check_owner(tool::EXISTS, other.as_ref(), owner.as_deref())?;
        }
        Ok(exists)
    }
}

/// The owner that `delegated_by` names, unless it is the reader: its own secrets are read as without it.
fn other_owner(delegated_by: Option<&Identity>, reader: Option<&Identity>) -> Option<Identity> {
    delegated_by.filter(|owner| Some(*owner) != reader).cloned()
}

/// Checks that the response names the owner that was asked for.
fn check_owner(
    tool: &'static str,
    asked: Option<&Identity>,
    owner: Option<&str>,
) -> Result<(), SecretsError> {
    if asked.is_none_or(|asked| owner == Some(asked.as_str())) {
        Ok(())
    } else {
        Err(SecretsError::OwnerUnknown { tool })
    }
}
