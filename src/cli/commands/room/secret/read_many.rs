//! Reads several secrets side by side.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, TryStreamExt, stream};

use super::sources::Sources;
use crate::cli::room::JoinedRoom;
use crate::secrets::{Secret, SecretsError};
use crate::wire::SecretId;

/// Calls that are in flight at once: enough that a distant server is not waited for call by call, few
/// enough that others in the room get their turn.
pub(super) const CALLS_IN_FLIGHT: usize = 64;

/// Which secret is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SecretToRead {
    pub(super) id: SecretId,
    pub(super) sources: Sources,
}

/// Reads the secrets of these ids, all or none. If some are missing, the error names all of those.
pub(super) async fn fetch(
    room: &JoinedRoom,
    ids: BTreeSet<SecretId>,
    sources: &Sources,
) -> anyhow::Result<BTreeMap<SecretId, Secret>> {
    let wanted = ids.into_iter().map(|id| SecretToRead {
        id,
        sources: sources.clone(),
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
        Err(sources.missing(room, &missing).await.into())
    }
}

/// Reads secrets of which some may be missing, and gives them in the order that they were asked for.
pub(super) async fn fetch_each(
    room: &JoinedRoom,
    wanted: impl IntoIterator<Item = SecretToRead>,
) -> Result<Vec<(SecretToRead, Option<Secret>)>, SecretsError> {
    let secrets = room.secrets();
    stream::iter(wanted)
        .map(async |wanted| {
            let secret = wanted.sources.get(&secrets, &wanted.id).await?;
            Ok((wanted, secret))
        })
        .buffered(CALLS_IN_FLIGHT)
        .try_collect()
        .await
}
