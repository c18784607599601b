//! Reads several secrets side by side.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, TryStreamExt, stream};

use super::not_found_all;
use crate::cli::room::JoinedRoom;
use crate::secrets::{GetOptions, Secret, SecretsError};
use crate::wire::{Identity, SecretId};

/// Calls that are in flight at once: enough that a distant server is not waited for call by call, few
/// enough that others in the room get their turn.
pub(super) const CALLS_IN_FLIGHT: usize = 64;

/// Which secret is meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct AuthorizationParameters {
    pub(super) id: SecretId,
    pub(super) delegated_to: Option<Identity>,
}

/// Reads the secrets of these ids, all or none. If some are missing, the error names all of those.
pub(super) async fn fetch(
    room: &JoinedRoom,
    ids: BTreeSet<SecretId>,
    delegated_to: Option<&Identity>,
) -> anyhow::Result<BTreeMap<SecretId, Secret>> {
    let wanted = ids.into_iter().map(|id| AuthorizationParameters {
        id,
        delegated_to: delegated_to.cloned(),
    });
    let (mut found, mut missing) = (BTreeMap::new(), Vec::new());
    for (wanted, secret) in fetch_each(room, wanted).await? {
        match secret {
            Some(secret) => drop(found.insert(wanted.id, secret)),
            None => missing.push(wanted.id),
        }
    }
    if missing.is_empty() {
        Ok(found)
    } else {
        Err(not_found_all(&missing, delegated_to).into())
    }
}

/// Reads secrets of which some may be missing, and gives them in the order that they were asked for.
pub(super) async fn fetch_each(
    room: &JoinedRoom,
    wanted: impl IntoIterator<Item = AuthorizationParameters>,
) -> Result<Vec<(AuthorizationParameters, Option<Secret>)>, SecretsError> {
    let secrets = room.secrets();
    stream::iter(wanted)
        .map(async |wanted| {
            let options = GetOptions {
                delegated_to: wanted.delegated_to.clone(),
                delegated_by: None,
            };
            let secret = secrets.get_secret(&wanted.id, options).await?;
            Ok((wanted, secret))
        })
        .buffered(CALLS_IN_FLIGHT)
        .try_collect()
        .await
}
