//! Credentials that are secrets of one's own, or that an owner delegated that the user names: git gets no password
//! from whoever else delegated one.

use super::super::sources::Sources;
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
pub(super) struct Stored {
    pub(super) ids: Vec<SecretId>,
    pub(super) sources: Sources,
}

impl Stored {
    /// How a credential is read. Where no owner is named, it is one's own.
    fn options(&self, room: &JoinedRoom) -> Vec<GetOptions> {
        let own = room.own_name().and_then(|name| Identity::new(name).ok());
        let mut sources = self.sources.options();
        for options in &mut sources {
            options.delegated_by = options.delegated_by.take().or_else(|| own.clone());
        }
        sources
    }

    /// How an own credential is read.
    fn own_options(&self, room: &JoinedRoom) -> GetOptions {
        GetOptions {
            delegated_to: self.sources.delegated_to.clone(),
            delegated_by: room.own_name().and_then(|name| Identity::new(name).ok()),
        }
    }

    /// The answer to git, if there is one.
    pub(super) async fn get(
        &self,
        context: &Context,
        room: &JoinedRoom,
        description: &Description,
    ) -> anyhow::Result<Option<SecretValue>> {
        for options in self.options(room) {
            let found = self.find(context, room, description, options).await?;
            if let Some((_, credential)) = found {
                return Ok(Some(description.answer(&credential)));
            }
        }
        if self.sources.delegated_to.is_some()
            && let Some(advice) = self.sources.advice(room, &self.ids).await
        {
            context.ui.warn(&advice);
        }
        Ok(None)
    }

    /// Deletes what did not let git in, if it is still there.
    pub(super) async fn erase(
        &self,
        context: &Context,
        room: &JoinedRoom,
        description: &Description,
    ) -> anyhow::Result<()> {
        // What another delegated is theirs to delete.
        let own = self.own_options(room);
        let Some((id, _)) = self.find(context, room, description, own).await? else {
            return Ok(());
        };
        let secrets = room.secrets();
        match secrets
            .delete_secret(&id, self.sources.delegated_to.as_ref())
            .await
        {
            // It was deleted meanwhile.
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
        options: GetOptions,
    ) -> anyhow::Result<Option<(SecretId, Credential)>> {
        for id in &self.ids {
            let Some(secret) = room.secrets().get_secret(id, options.clone()).await? else {
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

    /// Whether an owner that is named gives this credential. It stays that owner's: a copy would be read first, and
    /// would not change with it.
    async fn is_given_by_another(&self, room: &JoinedRoom, value: &SecretValue) -> anyhow::Result<bool> {
        for options in self.sources.options() {
            if options.delegated_by.is_none() {
                continue;
            }
            for id in &self.ids {
                let found = room.secrets().get_secret(id, options.clone()).await?;
                let found = found.and_then(|secret| Credential::from_value(&secret.value));
                if let Some(credential) = found
                    && credential.to_value()?.expose() == value.expose()
                {
                    return Ok(true);
                }
            }
        }
        Ok(false)
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
        let Some(credential) = description.into_credential() else {
            return Ok(());
        };
        let value = credential.to_value()?;
        if self.is_given_by_another(room, &value).await? {
            return Ok(());
        }
        let options = SetOptions {
            secret_type: Some(SECRET_TYPE.to_owned()),
            delegated_to: self.sources.delegated_to.clone(),
            ..SetOptions::default()
        };
        for id in self.ids.iter().rev() {
            if let Some(secret) = room.secrets().get_secret(id, self.own_options(room)).await? {
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
            escape_name(credential.user()),
            ids.join(" and ")
        ));
        Ok(())
    }
}
