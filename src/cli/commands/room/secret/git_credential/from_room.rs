//! Credentials that are secrets of one's own, or that were delegated.

use crate::cli::context::Context;
use crate::cli::formats::git_credential::{Credential, Description, NOT_A_CREDENTIAL, SECRET_TYPE};
use crate::cli::room::JoinedRoom;
use crate::cli::ui::text::escape_name;
use crate::secrets::{GetOptions, SetOptions};
use crate::sensitive::SecretValue;
use crate::wire::{ErrorCode, Identity, SecretId};

/// Where a credential is stored, if it is: under the first of these ids whose credential is the one that git
/// means.
#[derive(Debug)]
pub(super) struct Stored<'a> {
    pub(super) ids: Vec<SecretId>,
    pub(super) delegated_to: Option<&'a Identity>,
}

impl Stored<'_> {
    fn options(&self) -> GetOptions {
        GetOptions {
            delegated_to: self.delegated_to.cloned(),
            delegated_by: None,
        }
    }

    /// The answer to git, if there is one.
    pub(super) async fn get(
        &self,
        context: &Context,
        room: &JoinedRoom,
        description: &Description,
    ) -> anyhow::Result<Option<SecretValue>> {
        let found = self.find(context, room, description).await?;
        Ok(found.map(|(_, credential)| credential.answer()))
    }

    /// Deletes what did not let git in, if it is still there.
    pub(super) async fn erase(
        &self,
        context: &Context,
        room: &JoinedRoom,
        description: &Description,
    ) -> anyhow::Result<()> {
        let Some((id, _)) = self.find(context, room, description).await? else {
            return Ok(());
        };
        match room.secrets().delete_secret(&id, self.delegated_to).await {
            // It is another's, who delegated it: theirs to delete.
            Err(error) if error.code() == Some(ErrorCode::NotFound) => Ok(()),
            outcome => Ok(outcome?),
        }
    }

    /// The credential that git means. None is no error: git asks the next helper, then the user.
    async fn find(
        &self,
        context: &Context,
        room: &JoinedRoom,
        description: &Description,
    ) -> anyhow::Result<Option<(SecretId, Credential)>> {
        for id in &self.ids {
            let Some(secret) = room.secrets().get_secret(id, self.options()).await? else {
                continue;
            };
            match Credential::from_value(&secret.value) {
                Some(credential) if description.fits(&credential) => {
                    return Ok(Some((id.clone(), credential)));
                }
                Some(_) => {}
                None => context.ui.warn(&format!(
                    "the secret `{}` {NOT_A_CREDENTIAL}",
                    escape_name(id.as_str())
                )),
            }
        }
        Ok(None)
    }

    /// Stores what git got in with, in the first place that is free or has this user's credential, from the
    /// general id to the one with the user's name. Neither another user's credential nor another secret is
    /// replaced.
    pub(super) async fn store(
        &self,
        context: &Context,
        room: &JoinedRoom,
        description: Description,
    ) -> anyhow::Result<()> {
        let Some(credential) = description.credential() else {
            return Ok(());
        };
        let value = credential.to_value()?;
        let options = SetOptions {
            secret_type: Some(SECRET_TYPE.to_owned()),
            delegated_to: self.delegated_to.cloned(),
            ..SetOptions::default()
        };
        for id in self.ids.iter().rev() {
            if let Some(secret) = room.secrets().get_secret(id, self.options()).await? {
                match Credential::from_value(&secret.value) {
                    Some(there) if there.username == credential.username => {
                        if there.to_value()?.expose() == value.expose() {
                            return Ok(());
                        }
                    }
                    _ => continue,
                }
            }
            return Ok(room.secrets().set_secret(id, value, options).await?);
        }
        let ids: Vec<String> = self
            .ids
            .iter()
            .map(|id| format!("`{}`", escape_name(id.as_str())))
            .collect();
        context.ui.warn(&format!(
            "the credential of {} was not stored: {} holds another",
            escape_name(&credential.username),
            ids.join(" and ")
        ));
        Ok(())
    }
}
