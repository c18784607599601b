//! From whom a command reads: one's own secrets, then what the owners that are named delegated (guide, "What others
//! gave you").

use clap::Args;

use super::{not_found_all, parse_identity};
use crate::cli::context::Context;
use crate::cli::error::{CommandError, Kind};
use crate::cli::process::obeyed;
use crate::cli::room::JoinedRoom;
use crate::cli::ui::text::{escape_name, shell_word};
use crate::secrets::{GetOptions, Secret, SecretsClient, SecretsError};
use crate::wire::secrets::{ListSecrets, MAX_PAGE_SECRETS, SecretInfo};
use crate::wire::{Identity, SecretId};

/// Owners whose secrets are read after one's own, with commas between them.
const VARIABLE: &str = "MESHAGENT_DELEGATED_BY";

/// Rows of a list that are looked through for advice.
const ADVICE_ROWS: u64 = 100;

/// Whose secrets are read.
#[derive(Debug, Clone, Args)]
pub(super) struct DelegateArgs {
    /// Read what is delegated to this identity; your own name reads what another gave you, if only one did
    #[arg(long, value_name = "IDENTITY", value_parser = parse_identity)]
    delegated_to: Option<Identity>,
    /// Read what this identity delegated to you, where you have no such secret yourself; repeat it for more: the
    /// first that has it is read [env: MESHAGENT_DELEGATED_BY]
    #[arg(long, value_name = "IDENTITY", value_parser = parse_identity)]
    delegated_by: Vec<Identity>,
}

impl DelegateArgs {
    /// The sources that the flags name, or else the environment.
    pub(super) fn resolve(self, context: &Context) -> anyhow::Result<Sources> {
        let mut sources = self.flags();
        if sources.delegated_by.is_empty() && sources.delegated_to.is_none() {
            sources.delegated_by = from_environment(context)?;
        }
        Ok(sources)
    }

    /// The sources that the flags name.
    pub(super) fn flags(self) -> Sources {
        Sources {
            delegated_to: self.delegated_to,
            delegated_by: self.delegated_by,
        }
    }
}

/// The owners that the environment names.
fn from_environment(context: &Context) -> anyhow::Result<Vec<Identity>> {
    let names = context.environment.text(VARIABLE)?.unwrap_or_default();
    let owners: Result<_, _> = names
        .split(',')
        .filter(|name| !name.is_empty())
        .map(Identity::new)
        .collect();
    Ok(owners.map_err(|error| {
        CommandError::new(Kind::Usage, format!("{VARIABLE} names no identity: {error}"))
            .hint("it has names with commas between them, like alice,ops")
    })?)
}

/// Where a secret is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sources {
    pub(super) delegated_to: Option<Identity>,
    pub(super) delegated_by: Vec<Identity>,
}

impl Sources {
    /// How a secret is read, in the order in which it is looked for: one's own first, unless what is delegated to an
    /// identity is asked for by its owner.
    pub(super) fn options(&self) -> Vec<GetOptions> {
        let own = GetOptions {
            delegated_to: self.delegated_to.clone(),
            delegated_by: None,
        };
        let by_owner = self.delegated_by.iter().map(|owner| GetOptions {
            delegated_to: self.delegated_to.clone(),
            delegated_by: Some(owner.clone()),
        });
        let has_own = self.delegated_to.is_none() || self.delegated_by.is_empty();
        has_own.then_some(own).into_iter().chain(by_owner).collect()
    }

    /// The secret from the first source that has it.
    pub(super) async fn get(
        &self,
        secrets: &SecretsClient,
        id: &SecretId,
    ) -> Result<Option<Secret>, SecretsError> {
        for options in self.options() {
            let found = secrets.get_secret(id, options).await?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The error for secrets that are not there, with what would read the first of them.
    pub(super) async fn missing(&self, room: &JoinedRoom, ids: &[SecretId]) -> CommandError {
        let error = not_found_all(ids, self.delegated_to.as_ref(), &self.delegated_by);
        match self.advice(room, ids).await {
            Some(advice) => error.hint(advice),
            None => error,
        }
    }

    /// What would read the first of these secrets, if it is in the room for this reader.
    pub(super) async fn advice(&self, room: &JoinedRoom, ids: &[SecretId]) -> Option<String> {
        let id = ids.first()?;
        let page = ListSecrets {
            prefix: Some(id.to_string()),
            after: None,
            limit: Some(ADVICE_ROWS),
        };
        // The command fails anyway: without a list it says less.
        let rows = room.secrets().list_page(&page).await.ok()?.secrets;
        let rows: Vec<SecretInfo> = rows.into_iter().filter(|row| row.id == id.as_str()).collect();
        if rows.is_empty() {
            return meant(room, id).await;
        }
        let shown = escape_name(id.as_str());
        let owners: Vec<&str> = rows.iter().filter_map(|row| row.owner.as_deref()).collect();
        match &owners[..] {
            [] => {}
            [owner] => {
                let name = escape_name(owner);
                let word = shell_word(owner);
                return Some(format!(
                    "{name} delegated `{shown}` to you: add --delegated-by {word}"
                ));
            }
            owners => {
                let names: Vec<String> = owners.iter().map(|owner| escape_name(owner)).collect();
                return Some(format!(
                    "{} delegated `{shown}` to you: name whose you want with --delegated-by",
                    names.join(", ")
                ));
            }
        }
        let delegate = rows.iter().find_map(|row| row.delegated_to.as_deref())?;
        if self.delegated_to.is_some() {
            return None;
        }
        Some(format!(
            "you delegated `{shown}` to {}: add --delegated-to {}",
            escape_name(delegate),
            shell_word(delegate)
        ))
    }
}

/// The id that was meant, if one of the reader's own secrets has an id much like it. Of a long list only the first page
/// is looked through, as a list of thousands takes its time.
async fn meant(room: &JoinedRoom, id: &SecretId) -> Option<String> {
    let page = ListSecrets {
        prefix: None,
        after: None,
        limit: Some(MAX_PAGE_SECRETS as u64),
    };
    let rows = room.secrets().list_page(&page).await.ok()?.secrets;
    let own = rows.iter().filter(|row| row.owner.is_none());
    let nearest = nearest(id.as_str(), own.map(|row| row.id.as_str()))?;
    Some(format!("did you mean `{}`?", escape_name(nearest)))
}

/// The nearest of these ids, if no more than one letter in three is wrong, left out, added or exchanged. Case does not
/// count, and neither does what is before the last `/`.
fn nearest<'a>(id: &str, ids: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = id.to_lowercase();
    let faults = |found: &str| {
        let found = found.to_lowercase();
        let last = found.rsplit('/').next().unwrap_or_default();
        if last == wanted {
            return 1;
        }
        strsim::osa_distance(&wanted, &found)
    };
    let most = wanted.chars().count() / 3;
    let (faults, found) = ids.map(|found| (faults(found), found)).min()?;
    (faults <= most).then_some(found)
}

/// Refuses to set a variable that programs obey to what another owner chose.
pub(super) fn refuse_obeyed(name: &str, id: &SecretId, secret: &Secret) -> Result<(), CommandError> {
    let (Some(owner), Some(effect)) = (&secret.owner, obeyed(name)) else {
        return Ok(());
    };
    let message = format!(
        "{name} is not set to the secret `{}`, which {} delegated: {effect}",
        escape_name(id.as_str()),
        escape_name(owner)
    );
    Err(CommandError::new(Kind::Failed, message)
        .hint("name another variable with --env-secret NAME=ID, or store the value as a secret of your own"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_id_is_found() {
        let ids = ["api/key", "db/password", "db/user", "x"];
        let nearest = |id| nearest(id, ids.into_iter());
        for (id, found) in [
            ("db/pasword", Some("db/password")),
            ("DB/Password", Some("db/password")),
            ("password", Some("db/password")),
            ("db/passwrod", Some("db/password")),
            ("something/else", None),
            ("yz", None),
        ] {
            assert_eq!(nearest(id), found, "{id}");
        }
    }
}
