//! Who had access to a secret (protocol, "Who had access to a secret").

use super::{SecretsClient, SecretsError, expect_json};
use crate::wire::secrets::audit::{AuditSecret, MAX_PAGE_ACCESSES, SecretAccess, SecretAccesses};
use crate::wire::secrets::tool;
use crate::wire::{Content, SecretId};

impl SecretsClient {
    /// The last accesses to a secret that the caller owns, the newest first, at most `limit` of them. Empty for an id
    /// of which it has none.
    ///
    /// # Errors
    /// Code 1003 at a server that keeps no such log.
    pub async fn secret_accesses(
        &self,
        id: &SecretId,
        limit: usize,
    ) -> Result<Vec<SecretAccess>, SecretsError> {
        let mut accesses: Vec<SecretAccess> = Vec::new();
        let mut after = None;
        while accesses.len() < limit {
            let wanted = limit.saturating_sub(accesses.len()).min(MAX_PAGE_ACCESSES);
            let input = AuditSecret {
                secret_id: id.to_string(),
                after: after.clone(),
                limit: Some(wanted as u64),
            };
            let page = self.call(tool::AUDIT, Content::json(&input)?).await?;
            let page: SecretAccesses = expect_json(tool::AUDIT, page)?;
            accesses.extend(page.accesses);
            // A page that does not get on would be asked for again and again.
            if page.next.is_none() || page.next == after {
                break;
            }
            after = page.next;
        }
        Ok(accesses)
    }
}
