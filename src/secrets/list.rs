//! Lists of secrets, read page by page (protocol, "Lists").

use super::{SecretsClient, SecretsError, expect_json};
use crate::wire::secrets::{ListSecrets, MAX_PAGE_SECRETS, SecretInfo, SecretList, tool};
use crate::wire::{Content, ErrorCode};

impl SecretsClient {
    /// Lists the secrets that the caller may see, without values, sorted by id, `delegated_to` and owner. A long list
    /// is read in pages: a secret that is set or deleted meanwhile may be in it or not.
    ///
    /// # Errors
    /// See [the module](self#errors).
    pub async fn list_secrets(&self) -> Result<Vec<SecretInfo>, SecretsError> {
        self.list_secrets_with_prefix("").await
    }

    /// As [`SecretsClient::list_secrets`], less the secrets whose id does not start with `prefix`.
    ///
    /// # Errors
    /// See [the module](self#errors).
    pub async fn list_secrets_with_prefix(&self, prefix: &str) -> Result<Vec<SecretInfo>, SecretsError> {
        let mut input = ListSecrets {
            prefix: (!prefix.is_empty()).then(|| prefix.to_owned()),
            after: None,
            limit: Some(MAX_PAGE_SECRETS as u64),
        };
        let mut secrets = Vec::new();
        loop {
            let page = self.list_page(&input).await?;
            // A page that does not get on would be asked for again and again.
            let ends = page.secrets.is_empty() || page.next.is_none() || page.next == input.after;
            secrets.extend(page.secrets);
            if ends {
                break;
            }
            input.after = page.next;
        }
        secrets.sort_by(|a, b| (&a.id, &a.delegated_to, &a.owner).cmp(&(&b.id, &b.delegated_to, &b.owner)));
        Ok(secrets)
    }

    /// Reads one page of a list, sorted by id. A server that does not know pages answers with all secrets whose id
    /// starts with the prefix, and no `next`.
    ///
    /// # Errors
    /// Code 1002 for an `after` that is not the `next` of a page; 1008 without `limit` for a list that is longer than an
    /// answer.
    pub async fn list_page(&self, input: &ListSecrets) -> Result<SecretList, SecretsError> {
        let list = async |input| expect_json::<SecretList>(tool::LIST, self.call(tool::LIST, input).await?);
        let mut page = match list(Content::json(input)?).await {
            // A server that checks its input strictly does not know these members.
            Err(error) if error.code() == Some(ErrorCode::InvalidRequest) && input.after.is_none() => {
                list(Content::json(&serde_json::Map::new())?).await?
            }
            page => page?,
        };
        if let Some(prefix) = &input.prefix {
            page.secrets.retain(|secret| secret.id.starts_with(prefix));
        }
        Ok(page)
    }
}
